/* The receiver of the benches: one thread, HTTP/1.1 with keep-alive, cheaper than any of those it receives from.
 *
 *     sink PORT
 *
 * Each POST's body names a campaign group and a number that rises within it: the digits that end the values of
 * GSW_CAMPAIGN_GROUP_GUID and GSW_QUEUE_NAME. Counted are POSTs behind a later one of their group (late), numbers that
 * come again (repeated), and POSTs while one of the same group waits for its answer (overlaps).
 *
 *     GET /reset?latency_ms=L&fail_per_10000=F    forget all; answer after L ms, so many of 10,000 with 503
 *     GET /counts                                 JSON; times in ns of CLOCK_MONOTONIC
 *     GET /arrivals                               lines: group, number, ns
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 8192, GROUPS = 1 << 16, WAITING = 1 << 16, REQUEST = 64 * 1024 };

struct connection { char *data; size_t size; unsigned generation; };
struct group { int64_t *arrived; int room, highest, waiting; };
struct answer { int64_t due; int socket, group, status; unsigned generation; };

static struct connection connections[CONNECTIONS];
static struct group groups[GROUPS];
static struct answer answers[WAITING];
static unsigned first_answer, after_last_answer;
static int64_t latency, first, last, total, failed, late, repeated, overlaps, unnamed, accepted, most_waiting;
static int fail_per_10000, timer, poller;
static uint64_t chance;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void put(int socket, const char *text, size_t size) {
    while (size) {
        ssize_t sent = send(socket, text, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
        if (sent > 0) { text += sent; size -= sent; }
    }
}

static void reply(int socket, int status) {
    static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    static const char bad[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}";
    if (status == 200) put(socket, good, sizeof good - 1); else put(socket, bad, sizeof bad - 1);
}

/* The digits that end a member's text value; -1: there are none. */
static long digits(const char *body, size_t size, const char *member) {
    const char *at = memmem(body, size, member, strlen(member)), *end = body + size;
    if (!at || !(at = memchr(at + strlen(member), '"', end - at - strlen(member)))) return -1;
    const char *close = memchr(at + 1, '"', end - at - 1), *digit = close;
    if (!close) return -1;
    while (digit[-1] >= '0' && digit[-1] <= '9') digit--;
    return digit == close ? -1 : strtol(digit, NULL, 10);
}

static void ring(int64_t at) {
    struct itimerspec when = {.it_value = {at / 1000000000, at % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static int noted(const char *body, size_t size, int64_t at) {
    long number = digits(body, size, "\"GSW_QUEUE_NAME\":"), name = digits(body, size, "\"GSW_CAMPAIGN_GROUP_GUID\":");
    if (name < 0 || name >= GROUPS || number < 0 || number > 10000000) { unnamed++; return -1; }
    struct group *group = &groups[name];
    if (number >= group->room) {
        int room = group->room ? group->room : 16;
        while (room <= number) room *= 2;
        group->arrived = realloc(group->arrived, room * sizeof *group->arrived);
        memset(group->arrived + group->room, 0, (room - group->room) * sizeof *group->arrived);
        group->room = room;
    }
    if (group->arrived[number]) repeated++;
    else { late += number < group->highest; group->arrived[number] = at; }
    if (number > group->highest) group->highest = number;
    overlaps += group->waiting > 0;
    return name;
}

static void posted(int socket, const char *body, size_t size) {
    int64_t at = now();
    if (!first) first = at;
    last = at;
    total++;
    int group = noted(body, size, at), status = 200;
    chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
    if ((int)((chance >> 33) % 10000) < fail_per_10000) { status = 503; failed++; }
    if (!latency) { reply(socket, status); return; }
    if (group >= 0) groups[group].waiting++;
    if (first_answer == after_last_answer) ring(at + latency);
    answers[after_last_answer++ % WAITING] = (struct answer){at + latency, socket, group, status, connections[socket].generation};
    if (after_last_answer - first_answer > most_waiting) most_waiting = after_last_answer - first_answer;
}

static void answer_due(void) {
    uint64_t rung;
    if (read(timer, &rung, sizeof rung) < 0 && errno != EAGAIN) return;
    int64_t at = now();
    for (; first_answer != after_last_answer && answers[first_answer % WAITING].due <= at; first_answer++) {
        struct answer *answer = &answers[first_answer % WAITING];
        if (answer->group >= 0) groups[answer->group].waiting--;
        if (connections[answer->socket].generation == answer->generation) reply(answer->socket, answer->status);
    }
    if (first_answer != after_last_answer) ring(answers[first_answer % WAITING].due);
}

static void reset(const char *query) {
    const char *found;
    latency = (found = strstr(query, "latency_ms=")) ? atof(found + 11) * 1e6 : 0;
    fail_per_10000 = (found = strstr(query, "fail_per_10000=")) ? atoi(found + 15) : 0;
    for (int i = 0; i < GROUPS; i++) { free(groups[i].arrived); groups[i] = (struct group){.highest = -1}; }
    first = last = total = failed = late = repeated = overlaps = unnamed = accepted = most_waiting = 0;
    first_answer = after_last_answer = 0;
    chance = 42;
}

static void asked(int socket, const char *path) {
    char *text = NULL, head[96];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!strncmp(path, "/reset", 6)) reset(path);
    if (!strncmp(path, "/arrivals", 9))
        for (int name = 0; name < GROUPS; name++)
            for (int number = 0; number <= groups[name].highest; number++)
                if (groups[name].arrived[number]) fprintf(out, "%d %d %lld\n", name, number, (long long)groups[name].arrived[number]);
    if (!strncmp(path, "/counts", 7))
        fprintf(out, "{\"total\":%lld,\"failed\":%lld,\"late\":%lld,\"repeated\":%lld,\"overlaps\":%lld,\"unnamed\":%lld,"
            "\"connections\":%lld,\"most_waiting\":%lld,\"first\":%lld,\"last\":%lld,\"now\":%lld}", (long long)total,
            (long long)failed, (long long)late, (long long)repeated, (long long)overlaps, (long long)unnamed,
            (long long)accepted, (long long)most_waiting, (long long)first, (long long)last, (long long)now());
    fclose(out);
    put(socket, head, sprintf(head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size));
    put(socket, text, size);
    free(text);
}

/* Serve the request at the front of what was read: its size, 0 if it is not whole, -1 if it is none. */
static ssize_t serve(int socket, struct connection *connection) {
    char *data = connection->data, *end = memmem(data, connection->size, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = end + 4 - data;
    *end = 0;
    if (data[0] == 'G') {
        char *path = strchr(data, '/');
        asked(socket, path ? path : "/");
        return head;
    }
    char *length = strcasestr(data, "\ncontent-length:");
    *end = '\r';
    if (!length) return -1; /* no contender sends in chunks */
    size_t size = strtoul(length + 16, NULL, 10);
    if (head + size > REQUEST) return -1;
    if (connection->size < head + size) return 0;
    posted(socket, data + head, size);
    return head + size;
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(int listener) {
    for (int socket, one = 1; (socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (socket >= CONNECTIONS) { close(socket); continue; }
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *connection = &connections[socket];
        if (!connection->data) connection->data = malloc(REQUEST + 1);
        connection->size = 0;
        connection->generation++;
        accepted++;
        watch(socket);
    }
}

static void receive(int socket) {
    struct connection *connection = &connections[socket];
    ssize_t served = 0, got = recv(socket, connection->data + connection->size, REQUEST - connection->size, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) connection->size += got;
    while (got > 0 && connection->size && (served = serve(socket, connection)) > 0)
        memmove(connection->data, connection->data + served, connection->size -= served);
    if (got <= 0 || served < 0) { connection->generation++; close(socket); }
}

int main(int argc, char **argv) {
    if (argc != 2) { fprintf(stderr, "usage: sink PORT\n"); return 2; }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&here, sizeof here) || listen(listener, 1024)) { perror("sink"); return 1; }
    poller = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    reset("");
    watch(listener);
    watch(timer);
    for (struct epoll_event events[256];;)
        for (int i = 0, ready = epoll_wait(poller, events, 256, -1); i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(fd); else if (fd == timer) answer_due(); else receive(fd);
        }
}
