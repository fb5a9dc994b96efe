/* client_sockets.c - libcurl's descriptors and timer on the event loop.
 *
 * A descriptor stays registered between two requests of its connection, for readability, and is forgotten
 * when libcurl closes it: that spares two epoll_ctl calls a request. Only descriptors of connections that
 * stand are treated so. Of others nobody tells the end: the resolver's, and sockets that still connect or
 * shake hands, which libcurl (7.88: lib/cf-socket.c, "our local socket, we did never publish it") closes
 * without CURLOPT_CLOSESOCKETFUNCTION. CURL_POLL_REMOVE is their end; a handle left on a closed descriptor
 * would make libuv abort the process. */
#include "http/client_internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool make_room(http_client *c, int fd) {
    if ((size_t)fd < c->socket_cap)
        return true;
    size_t cap = c->socket_cap == 0 ? 64 : c->socket_cap;
    while (cap <= (size_t)fd)
        cap *= 2;
    client_socket **sockets = realloc(c->sockets, cap * sizeof *sockets);
    if (sockets == NULL)
        return false;
    c->sockets = sockets;
    bool *told = realloc(c->told, cap * sizeof *told);
    if (told == NULL)
        return false;
    c->told = told;
    for (size_t i = c->socket_cap; i < cap; i++) {
        c->sockets[i] = NULL;
        c->told[i] = false;
    }
    c->socket_cap = cap;
    return true;
}

static void handle_closed(uv_handle_t *handle) {
    free(handle);
}

static void forget(http_client *c, int fd) {
    client_socket *s = c->sockets[fd];
    c->sockets[fd] = NULL;
    if (s != NULL) {
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, handle_closed);
    }
}

static void on_event(uv_poll_t *poll, int status, int events) {
    client_socket *s = (client_socket *)poll;
    http_client *c = s->client;
    if (!s->wanted) { /* an idle connection was closed, or speaks unasked: libcurl will see it on reuse */
        uv_poll_stop(poll);
        s->events = 0;
        return;
    }
    int mask = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & (UV_READABLE | UV_DISCONNECT))
        mask |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        mask |= CURL_CSELECT_OUT;
    int running;
    curl_multi_socket_action(c->multi, s->fd, mask, &running);
    client_collect(c);
}

static client_socket *watch(http_client *c, int fd) {
    if (!make_room(c, fd))
        return NULL;
    if (c->sockets[fd] != NULL)
        return c->sockets[fd];
    client_socket *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (client_socket){.client = c, .fd = fd};
    if (uv_poll_init(loop_uv(c->loop), &s->poll, fd) != 0) {
        free(s);
        return NULL;
    }
    c->sockets[fd] = s;
    return s;
}

/* CURLMOPT_SOCKETFUNCTION */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused) {
    (void)unused;
    http_client *c = ctx;
    if (what == CURL_POLL_REMOVE) {
        if ((size_t)fd >= c->socket_cap || c->sockets[fd] == NULL)
            return 0;
        if (c->told[fd])
            c->sockets[fd]->wanted = false;
        else
            forget(c, fd);
        return 0;
    }
    client_socket *s = watch(c, fd);
    if (s == NULL)
        return -1;
    http_transfer *t = NULL;
    if (!c->told[fd] && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t) == CURLE_OK && t != NULL)
        t->fd = fd;
    int events = UV_READABLE | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    if (what == CURL_POLL_OUT) /* connecting: nothing to read yet */
        events = UV_WRITABLE;
    s->wanted = true;
    if (s->events != events && uv_poll_start(&s->poll, events, on_event) == 0)
        s->events = events;
    return 0;
}

curl_socket_t client_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    http_transfer *t = ctx;
    http_client *c = t->client;
    const http_guard *guard = t->send->target->guard;
    const char *what = guard != NULL ? http_guard_refuses(guard, &address->addr) : NULL;
    if (guard != NULL && what == NULL)
        what = http_guard_refuses_scheme(guard, t->send->url);
    if (what != NULL) {
        char text[INET6_ADDRSTRLEN] = "";
        getnameinfo(&address->addr, address->addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
        client_refused(t, text, what);
        return CURL_SOCKET_BAD;
    }
    t->opened = true;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (!make_room(c, fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    c->told[fd] = false;
    return fd;
}

/* Of several addresses that were tried at once, the port tells which one came through. */
void client_told(http_transfer *t, int local_port) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    http_client *c = t->client;
    int fd = t->fd;
    t->fd = -1;
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return;
    in_port_t port = address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                   : ((struct sockaddr_in *)&address)->sin_port;
    if (ntohs(port) == local_port)
        c->told[fd] = true;
}

int client_close_socket(void *ctx, curl_socket_t fd) {
    http_client *c = ctx;
    if ((size_t)fd < c->socket_cap) {
        forget(c, fd);
        c->told[fd] = false;
    }
    return close(fd);
}

static void run_timeouts(http_client *c) {
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    client_collect(c);
}

static void on_timer(uv_timer_t *timer) {
    run_timeouts(timer->data);
}

static void on_kick(uv_prepare_t *kick) {
    http_client *c = kick->data;
    uv_prepare_stop(kick);
    c->kicked = false;
    c->kicking = true;
    run_timeouts(c);
    c->kicking = false;
}

/* CURLMOPT_TIMERFUNCTION. "At once" is put off to the end of this iteration of the loop: the function must
 * not be re-entered, and requests begun by several events go out together. */
static int on_timeout_change(CURLM *multi, long timeout_ms, void *ctx) {
    (void)multi;
    http_client *c = ctx;
    if (c->closing)
        return 0;
    if (timeout_ms == 0 && c->kicking) {
        /* A transfer that ended within on_kick was followed by another. The loop polls next, and a prepare
         * handle would not keep it from sleeping. */
        uv_timer_start(&c->timer, on_timer, 0, 0);
    } else if (timeout_ms == 0) {
        if (!c->kicked)
            uv_prepare_start(&c->kick, on_kick);
        c->kicked = true;
    } else if (timeout_ms < 0) {
        uv_timer_stop(&c->timer);
    } else {
        uv_timer_start(&c->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

bool client_sockets_init(http_client *c) {
    uv_timer_init(loop_uv(c->loop), &c->timer);
    uv_prepare_init(loop_uv(c->loop), &c->kick);
    c->timer.data = c->kick.data = c;
    c->handles = 2;
    return curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change) == CURLM_OK &&
           curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) == CURLM_OK;
}

static void own_handle_closed(uv_handle_t *handle) {
    http_client *c = handle->data;
    if (--c->handles == 0) {
        free(c->sockets);
        free(c->told);
        free(c);
    }
}

void client_sockets_close(http_client *c) {
    for (size_t fd = 0; fd < c->socket_cap; fd++)
        if (c->sockets[fd] != NULL)
            forget(c, (int)fd);
    uv_close((uv_handle_t *)&c->timer, own_handle_closed);
    uv_close((uv_handle_t *)&c->kick, own_handle_closed);
}
