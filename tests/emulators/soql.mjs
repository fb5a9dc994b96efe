// soql.mjs - a small part of SOQL: SELECT fields (or COUNT()) FROM object WHERE ... ORDER BY ... LIMIT ... OFFSET ....
export class SoqlError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const TOKEN = /\s*('(?:\\.|[^'\\])*'|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)|-?\d+(?:\.\d+)?|[A-Za-z_][\w.]*|[<>!]=|[=<>(),])/y;

function tokens(text) {
  const out = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; at = TOKEN.lastIndex) {
    const m = TOKEN.exec(text);
    if (!m) throw new SoqlError('MALFORMED_QUERY', `unexpected token: '${text.slice(at, at + 10).trim()}'`);
    out.push(m[1]);
  }
  return out;
}

// {fields, object, where: (record) => boolean, order: [[field, direction]], limit, offset, count}
export function parseSoql(text, fieldsOf) {
  const list = tokens(text);
  let at = 0;
  const peek = () => list[at]?.toUpperCase();
  const next = () => list[at++] ?? fail();
  const fail = () => {
    throw new SoqlError('MALFORMED_QUERY', `unexpected token: '${list[at] ?? '<EOF>'}'`);
  };
  const word = (w) => (peek() === w ? (at++, true) : false);
  const expect = (w) => word(w) || fail();
  expect('SELECT');
  const fields = [];
  let count = false;
  do {
    const name = next();
    if (!/^[A-Za-z_]/.test(name)) fail(at--);
    if (name.toUpperCase() === 'COUNT' && word('(')) {
      expect(')');
      count = true;
    } else fields.push(name);
  } while (word(','));
  expect('FROM');
  const object = next(), known = fieldsOf(object);
  if (!known) throw new SoqlError('INVALID_TYPE', `sObject type '${object}' is not supported.`);
  const field = (name) => {
    const found = name.includes('.') ? name : known.find((f) => f.toLowerCase() === name.toLowerCase());
    if (!found) throw new SoqlError('INVALID_FIELD', `No such column '${name}' on entity '${object}'.`);
    return found;
  };
  const value = () => {
    const t = next(), upper = t.toUpperCase();
    if (t[0] === "'") return t.slice(1, -1).replace(/\\(.)/g, '$1');
    if (upper === 'NULL') return null;
    if (upper === 'TRUE' || upper === 'FALSE') return upper === 'TRUE';
    if (/^\d{4}-/.test(t)) return Date.parse(t);
    if (/^-?\d/.test(t)) return Number(t);
    return fail(at--);
  };
  const fold = (v) => (typeof v === 'string' ? v.toLowerCase() : v ?? null);
  const of = (record, name, wanted) => {
    const v = name.split('.').reduce((r, part) => r?.[part], record);
    return typeof wanted === 'number' && typeof v === 'string' && /^\d{4}-/.test(v) ? Date.parse(v) : fold(v);
  };
  const condition = () => {
    if (word('(')) {
      const inner = either();
      expect(')');
      return inner;
    }
    if (word('NOT')) {
      const inner = condition();
      return (r) => !inner(r);
    }
    const name = field(next());
    if (word('IN')) {
      expect('(');
      const all = [];
      do all.push(fold(value()));
      while (word(','));
      expect(')');
      return (r) => all.includes(of(r, name));
    }
    if (word('LIKE')) {
      const like = new RegExp(`^${String(value()).replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '.*').replaceAll('_', '.')}$`, 'i');
      return (r) => like.test(of(r, name) ?? '');
    }
    const op = next(), wanted = value(), w = fold(wanted);
    const ops = {'=': (a) => a === w, '!=': (a) => a !== w, '<': (a) => a !== null && a < w, '>': (a) => a !== null && a > w, '<=': (a) => a !== null && a <= w, '>=': (a) => a !== null && a >= w};
    if (!ops[op]) fail((at -= 2));
    return (r) => ops[op](of(r, name, wanted));
  };
  const both = () => {
    const all = [condition()];
    while (word('AND')) all.push(condition());
    return (r) => all.every((c) => c(r));
  };
  const either = () => {
    const all = [both()];
    while (word('OR')) all.push(both());
    return (r) => all.some((c) => c(r));
  };
  const where = word('WHERE') ? either() : () => true, order = [];
  if (word('ORDER')) {
    expect('BY');
    do order.push([field(next()), word('DESC') ? -1 : (word('ASC'), 1)]);
    while (word(','));
  }
  const limit = word('LIMIT') ? value() : Infinity, offset = word('OFFSET') ? value() : 0;
  if (at < list.length) fail();
  return {fields: fields.map(field), object, where, order, limit, offset, count};
}
