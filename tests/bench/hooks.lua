-- Signed webhooks, each with an id of its own, as Standard Webhooks has it. The first argument is the secret.
local ffi = require("ffi")
ffi.cdef [[
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *md, const void *key, int key_len, const unsigned char *d, size_t n,
                      unsigned char *out, unsigned int *out_len);
  int EVP_EncodeBlock(unsigned char *t, const unsigned char *f, int n);
]]
local crypto = ffi.load("libcrypto.so.3")
local sha256, mac, len, text = nil, ffi.new("unsigned char[64]"), ffi.new("unsigned int[1]"), ffi.new("unsigned char[128]")
local key, body, run, count, now = nil, nil, nil, 0, nil

function init(args)
  sha256 = crypto.EVP_sha256()
  key, body = args[1], wrk.body
  run = args[2] or "0"
  now = tostring(os.time())
end

function request()
  count = count + 1
  if count % 1000 == 0 then now = tostring(os.time()) end
  local id = "msg_" .. run .. "_" .. count
  local signed = id .. "." .. now .. "." .. body
  crypto.HMAC(sha256, key, #key, signed, #signed, mac, len)
  local n = crypto.EVP_EncodeBlock(text, mac, 32)
  wrk.headers["webhook-id"] = id
  wrk.headers["webhook-timestamp"] = now
  wrk.headers["webhook-signature"] = "v1," .. ffi.string(text, n)
  return wrk.format(nil, nil, nil, body)
end
