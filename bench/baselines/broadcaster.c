/* The same as broadcaster.py in C: what the kernel itself costs.
 *
 * One epoll and one plain loop; who does not take a frame as a whole is closed. Each message on
 * stdin (a SEQPACKET socket) is a frame. Prints "port N", serves until stdin ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, BACKLOG = 4096, SEND_BUFFER_BYTES = 16384, LONGEST_HEAD_BYTES = 8192 };
enum { LONGEST_FRAME_BYTES = 131072, ORDERS = 0 };
enum state { UNKNOWN, STRANGER, STREAM };

static const char HEAD[] =
    "HTTP/1.1 200 OK\r\n"
    "content-type: text/event-stream\r\n"
    "cache-control: no-cache\r\n"
    "transfer-encoding: chunked\r\n"
    "\r\n";

static char buffer[LONGEST_FRAME_BYTES];
static int *streams;      /* descriptors, dense */
static int *places;       /* descriptor -> index in streams */
static char *states;      /* descriptor -> enum state */
static int capacity, count;

static void require(int fine, const char *what) {
    if (!fine) {
        perror(what);
        exit(1);
    }
}

static void reserve(int descriptor) {
    if (descriptor < capacity)
        return;
    int larger = capacity ? capacity : 1024;
    while (larger <= descriptor)
        larger *= 2;
    streams = realloc(streams, larger * sizeof *streams);
    places = realloc(places, larger * sizeof *places);
    states = realloc(states, larger);
    require(streams && places && states, "realloc");
    memset(states + capacity, UNKNOWN, larger - capacity);
    capacity = larger;
}

static void forget(int descriptor) {
    if (states[descriptor] == STREAM) {
        int place = places[descriptor];
        streams[place] = streams[--count];
        places[streams[place]] = place;
    }
    states[descriptor] = UNKNOWN;
    close(descriptor);
}

static void broadcast(const char *frame, ssize_t size) {
    /* Downwards: forget() moves the last stream, which has had the frame, to the free place. */
    for (int i = count - 1; i >= 0; i--)
        if (send(streams[i], frame, size, MSG_NOSIGNAL) != size)
            forget(streams[i]);
}

static void accept_all(int poller, int listener) {
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event interest = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = descriptor};
        reserve(descriptor);
        states[descriptor] = STRANGER;
        require(!epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &interest), "epoll_ctl");
    }
    require(errno == EAGAIN || errno == ECONNABORTED, "accept");
}

static void hear(int descriptor) {
    ssize_t size = recv(descriptor, buffer, LONGEST_HEAD_BYTES, 0);
    if (size <= 0) {
        forget(descriptor);
    } else if (states[descriptor] == STRANGER) {
        /* A bare broadcaster: a head in several pieces is refused. */
        if (size < 4 || memcmp(buffer + size - 4, "\r\n\r\n", 4) ||
            send(descriptor, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL) != sizeof HEAD - 1) {
            forget(descriptor);
            return;
        }
        states[descriptor] = STREAM;
        places[descriptor] = count;
        streams[count++] = descriptor;
    }
}

int main(void) {
    int one = 1, bytes = SEND_BUFFER_BYTES;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poller = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    require(!bind(listener, (struct sockaddr *)&address, length), "bind");
    require(!listen(listener, BACKLOG), "listen");
    require(!getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");

    int sources[] = {ORDERS, listener};
    for (int i = 0; i < 2; i++) {
        struct epoll_event interest = {.events = EPOLLIN, .data.fd = sources[i]};
        require(!epoll_ctl(poller, EPOLL_CTL_ADD, sources[i], &interest), "epoll_ctl");
    }
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);

    for (;;) {
        struct epoll_event ready[BATCH];
        int found = epoll_wait(poller, ready, BATCH, -1);
        require(found >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < found; i++) {
            int descriptor = ready[i].data.fd;
            if (descriptor == ORDERS) {
                ssize_t size = read(ORDERS, buffer, sizeof buffer);
                if (size <= 0)
                    return 0;
                broadcast(buffer, size);
            } else if (descriptor == listener) {
                accept_all(poller, listener);
            } else if (states[descriptor] != UNKNOWN) { /* else: closed in this batch */
                hear(descriptor);
            }
        }
    }
}
