/* The same as broadcaster.py in C: what the kernel itself costs.
 *
 * One epoll and one plain loop; who does not take a frame as a whole is closed. A stream is in the
 * channel that its path ends with, or in 0. Each message on stdin (a SEQPACKET socket) is a frame
 * for all channels, with the number in it raised by STEP for each channel. Prints "port N", serves
 * until stdin ends. */
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
enum { LONGEST_FRAME_BYTES = 131072, ORDERS = 0, MOST_CHANNELS = 500000 };
enum { STEP = 10000, DIGITS = 10 };
enum { UNKNOWN = -2, STRANGER = -1 }; /* instead of a channel */

static const char PREFIX[] = "fhbench:";
static const char HEAD[] =
    "HTTP/1.1 200 OK\r\n"
    "content-type: text/event-stream\r\n"
    "cache-control: no-cache\r\n"
    "transfer-encoding: chunked\r\n"
    "\r\n";

struct channel {
    int *streams; /* descriptors, dense */
    int count, capacity;
};

static char buffer[LONGEST_FRAME_BYTES + 1];
static struct channel *channels;
static int channel_count;
static int *places;     /* descriptor -> index in its channel's streams */
static int *channel_of; /* descriptor -> channel */
static int capacity;

static void require(int fine, const char *what) {
    if (!fine) {
        perror(what);
        exit(1);
    }
}

static void *grown(void *array, int *size, int index, size_t item) {
    int larger = *size ? *size : 8;
    while (larger <= index)
        larger *= 2;
    array = realloc(array, larger * item);
    require(array != NULL, "realloc");
    *size = larger;
    return array;
}

static void reserve(int descriptor) {
    if (descriptor < capacity)
        return;
    int before = capacity, same = capacity;
    places = grown(places, &same, descriptor, sizeof *places);
    channel_of = grown(channel_of, &capacity, descriptor, sizeof *channel_of);
    for (int i = before; i < capacity; i++)
        channel_of[i] = UNKNOWN;
}

static void join(int descriptor, int number) {
    if (number >= channel_count) {
        int before = channel_count;
        channels = grown(channels, &channel_count, number, sizeof *channels);
        memset(channels + before, 0, (channel_count - before) * sizeof *channels);
    }
    struct channel *channel = channels + number;
    if (channel->count == channel->capacity)
        channel->streams = grown(channel->streams, &channel->capacity, channel->count, sizeof(int));
    channel_of[descriptor] = number;
    places[descriptor] = channel->count;
    channel->streams[channel->count++] = descriptor;
}

static void forget(int descriptor) {
    if (channel_of[descriptor] >= 0) {
        struct channel *channel = channels + channel_of[descriptor];
        int place = places[descriptor];
        channel->streams[place] = channel->streams[--channel->count];
        places[channel->streams[place]] = place;
    }
    channel_of[descriptor] = UNKNOWN;
    close(descriptor);
}

static void broadcast(char *frame, ssize_t size) {
    char *digits = memmem(frame, size, PREFIX, sizeof PREFIX - 1);
    long long number = 0;
    if (digits) {
        digits += sizeof PREFIX - 1;
        number = atoll(digits);
    }
    for (int c = 0; c < channel_count; c++) {
        struct channel *channel = channels + c;
        if (!channel->count)
            continue;
        if (digits && c) {
            char own[24];
            snprintf(own, sizeof own, "%0*lld", DIGITS, number + (long long)c * STEP);
            memcpy(digits, own, DIGITS);
        }
        /* Downwards: forget() moves the last stream, which has had the frame, to the free place. */
        for (int i = channel->count - 1; i >= 0; i--)
            if (send(channel->streams[i], frame, size, MSG_NOSIGNAL) != size)
                forget(channel->streams[i]);
    }
}

static void accept_all(int poller, int listener) {
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event interest = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = descriptor};
        reserve(descriptor);
        channel_of[descriptor] = STRANGER;
        require(!epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &interest), "epoll_ctl");
    }
    require(errno == EAGAIN || errno == ECONNABORTED, "accept");
}

static int channel_in(const char *head) {
    const char *end = strchr(head, ' ');
    end = end ? strchr(end + 1, ' ') : NULL;
    const char *start = end;
    while (start && start > head && start[-1] >= '0' && start[-1] <= '9')
        start--;
    if (!start || start == end || start[-1] != '/')
        return 0;
    long number = atol(start);
    return number < MOST_CHANNELS ? (int)number : 0;
}

static void hear(int descriptor) {
    ssize_t size = recv(descriptor, buffer, LONGEST_HEAD_BYTES, 0);
    if (size <= 0) {
        forget(descriptor);
    } else if (channel_of[descriptor] == STRANGER) {
        /* A bare broadcaster: a head in several pieces is refused. */
        if (size < 4 || memcmp(buffer + size - 4, "\r\n\r\n", 4) ||
            send(descriptor, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL) != sizeof HEAD - 1) {
            forget(descriptor);
            return;
        }
        buffer[size] = 0;
        join(descriptor, channel_in(buffer));
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
                ssize_t size = read(ORDERS, buffer, LONGEST_FRAME_BYTES);
                if (size <= 0)
                    return 0;
                broadcast(buffer, size);
            } else if (descriptor == listener) {
                accept_all(poller, listener);
            } else if (channel_of[descriptor] != UNKNOWN) { /* else: closed in this batch */
                hear(descriptor);
            }
        }
    }
}
