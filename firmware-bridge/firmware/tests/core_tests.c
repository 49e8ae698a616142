/* Unit tests of the core: a line a test, exit code 1 where one fails. */
#include <stdio.h>
#include <string.h>

#include "../core/bytes.h"
#include "../core/clock.h"
#include "../core/crc16.h"
#include "../core/device.h"
#include "../core/self_test.h"
#include "host_board.h"

static int failed_checks;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            failed_checks++;                                                                       \
            printf("    %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                     \
        }                                                                                          \
    } while (0)

static struct gn_device device;

static void start_device(void)
{
    memset(&device, 0, sizeof device);
    host_board_reset();
    /* The first heartbeat is not what these tests are about. */
    device.next_beat_micros = UINT64_MAX;
}

static void ask(uint8_t type, const uint8_t *payload, size_t count)
{
    uint8_t body[GN_FRAME_OVERHEAD + GN_RECEIVE_PAYLOAD_MAX] = {type, 9};
    if (count > 0)
        memcpy(body + 2, payload, count);
    host_board.incoming_bytes += gn_frame_encode(body, count, host_board.incoming + host_board.incoming_bytes);
}

/* The frame at `*at` of the bytes sent; its type, or -1 where there is none or it is broken. */
static int next_frame(size_t *at, uint8_t *body, size_t *body_bytes)
{
    size_t end = *at;
    while (end < host_board.sent_bytes && host_board.sent[end] != 0)
        end++;
    if (end >= host_board.sent_bytes)
        return -1;
    memcpy(body, host_board.sent + *at, end - *at);
    int count = gn_cobs_decode(body, end - *at);
    *at = end + 1;
    if (count < 4 || gn_crc16(body, (size_t)count - 2) != gn_get_u16(body + count - 2))
        return -1;
    *body_bytes = (size_t)count - 2;
    return body[0];
}

/* Asks and turns the loop until the reply is out; its type. */
static int answer_to(uint8_t type, const uint8_t *payload, size_t count, uint8_t *body)
{
    size_t body_bytes;
    host_board.sent_bytes = 0;
    ask(type, payload, count);
    for (int turn = 0; turn < 40; turn++)
        gn_device_poll(&device);
    size_t at = 0;
    return next_frame(&at, body, &body_bytes);
}

static int16_t configure_and_start(uint32_t rate_milli_hz, const uint8_t *start, size_t start_bytes)
{
    uint8_t body[600];
    uint8_t wanted[GN_CONFIGURE_BYTES] = {0};
    gn_put_u32(wanted + 1, rate_milli_hz);
    wanted[5] = 10;
    if (answer_to(GN_CONFIGURE, wanted, sizeof wanted, body) != (GN_CONFIGURE | GN_REPLY_BIT))
        return -1;
    return (int16_t)answer_to(GN_START, start, start_bytes, body);
}

static void checksum_has_its_check_value(void)
{
    CHECK(gn_crc16((const uint8_t *)"123456789", 9) == 0x29b1);
}

static void stuffing_round_trips_every_length(void)
{
    uint8_t bytes[600], stuffed[GN_COBS_BYTES_MAX(600)];
    for (size_t count = 0; count <= sizeof bytes; count++) {
        for (size_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)(i * 7 % (count % 5 + 2));
        size_t length = gn_cobs_encode(bytes, count, stuffed);
        CHECK(length <= GN_COBS_BYTES_MAX(count));
        CHECK(memchr(stuffed, 0, length) == NULL);
        CHECK(gn_cobs_decode(stuffed, length) == (int)count);
        CHECK(memcmp(stuffed, bytes, count) == 0);
    }
}

static void stuffing_of_a_full_run_needs_no_zero(void)
{
    uint8_t bytes[254], stuffed[GN_COBS_BYTES_MAX(254)];
    memset(bytes, 1, sizeof bytes);
    CHECK(gn_cobs_encode(bytes, sizeof bytes, stuffed) == 255);
    CHECK(gn_cobs_decode(stuffed, 255) == 254);
}

static void every_flipped_bit_is_found(void)
{
    for (size_t bit = 0; bit < 8 * 11; bit++) {
        struct gn_receiver receiver;
        struct gn_frame frame;
        uint8_t body[8] = {GN_TIME, 3, 1, 2, 0, 4}, wire[16];
        size_t count = gn_frame_encode(body, 4, wire);
        memset(&receiver, 0, sizeof receiver);
        if (bit / 8 >= count)
            break;
        wire[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        int frames = 0;
        for (size_t i = 0; i < count; i++)
            frames += gn_receive(&receiver, wire[i], &frame);
        CHECK(frames == 0);
    }
}

static void noise_costs_no_frame_that_follows(void)
{
    struct gn_receiver receiver;
    struct gn_frame frame;
    uint8_t body[4] = {GN_STOP, 1}, wire[16];
    memset(&receiver, 0, sizeof receiver);
    for (int i = 0; i < 5000; i++)
        CHECK(!gn_receive(&receiver, (uint8_t)(i % 255 + 1), &frame));
    CHECK(receiver.overruns == 1);
    gn_receive(&receiver, 0, &frame);
    size_t count = gn_frame_encode(body, 0, wire);
    int frames = 0;
    for (size_t i = 0; i < count; i++)
        frames += gn_receive(&receiver, wire[i], &frame);
    CHECK(frames == 1 && frame.type == GN_STOP && frame.payload_bytes == 0);
}

static void clock_goes_on_after_its_counter_wraps(void)
{
    struct gn_clock clock = {0};
    CHECK(gn_clock_extend(&clock, 0xfffffff0u) == 0xfffffff0u);
    CHECK(gn_clock_extend(&clock, 0x10u) == 0x100000010u);
}

static void identify_says_who_it_is(void)
{
    uint8_t body[600];
    start_device();
    CHECK(answer_to(GN_IDENTIFY, NULL, 0, body) == (GN_IDENTIFY | GN_REPLY_BIT));
    CHECK(body[1] == 9 && body[2] == GN_PROTOCOL_VERSION);
    CHECK(strcmp((char *)body + 7, "host") == 0);
}

static void a_wrong_request_is_refused_with_the_reason(void)
{
    uint8_t body[600];
    const uint8_t payload[5] = {0};
    start_device();
    CHECK(answer_to(0x33, NULL, 0, body) == GN_REFUSAL);
    CHECK(body[2] == 0x33 && body[3] == GN_STATUS_UNKNOWN_REQUEST);
    CHECK(answer_to(GN_TIME, payload, 5, body) == GN_REFUSAL);
    CHECK(body[3] == GN_STATUS_WRONG_LENGTH);
    const uint8_t start[GN_START_BYTES_MIN] = {0};
    CHECK(answer_to(GN_START, start, sizeof start, body) == GN_REFUSAL);
    CHECK(body[3] == GN_STATUS_NOT_CONFIGURED);
    const uint8_t beyond[GN_CONFIGURE_BYTES] = {9, 1, 0, 0, 0, 1};
    CHECK(answer_to(GN_CONFIGURE, beyond, sizeof beyond, body) == GN_REFUSAL);
    CHECK(body[3] == GN_STATUS_VALUE_OUT_OF_RANGE);
}

/* Turns the loop for so long and counts samples by what was sent. */
static uint32_t samples_sent_in(uint32_t millis, uint32_t *first_index)
{
    uint8_t body[600];
    size_t at = 0, body_bytes = 0;
    uint32_t samples = 0;
    host_board.sent_bytes = 0;
    for (uint32_t i = 0; i < millis * 10; i++) {
        host_board.micros += 100;
        gn_device_poll(&device);
    }
    for (;;) {
        int type = next_frame(&at, body, &body_bytes);
        if (type < 0)
            return samples;
        if (type != GN_SAMPLES)
            continue;
        if (samples == 0 && first_index != NULL)
            *first_index = gn_get_u32(body + 2);
        samples += (uint32_t)(body_bytes - 2 - GN_SAMPLES_BYTES_MIN) / 2;
    }
}

static void samples_come_at_the_commanded_rate(void)
{
    const uint8_t start[GN_START_BYTES_MIN] = {0};
    start_device();
    CHECK(configure_and_start(1000000, start, sizeof start) == (GN_START | GN_REPLY_BIT));
    uint32_t samples = samples_sent_in(1000, NULL);
    CHECK(samples >= 980 && samples <= 1010);
    CHECK(device.sampler.dropped == 0);
}

static void samples_come_in_the_commanded_slots_only(void)
{
    uint8_t start[GN_START_BYTES_MIN + 1] = {0};
    uint32_t first_index = 0;
    start_device();
    gn_put_u32(start + 8, 100000);
    gn_put_u16(start + 12, 8);
    start[14] = 0x0a; /* slots 1 and 3 */
    CHECK(configure_and_start(1000000, start, sizeof start) == (GN_START | GN_REPLY_BIT));
    CHECK(samples_sent_in(1000, &first_index) == 200);
    CHECK(first_index == 100);
    CHECK(device.sampler.is_running == 0);
}

static void a_full_ring_drops_and_counts(void)
{
    const uint8_t start[GN_START_BYTES_MIN] = {0};
    start_device();
    CHECK(configure_and_start(10000000, start, sizeof start) == (GN_START | GN_REPLY_BIT));
    host_board.send_room = 0;
    samples_sent_in(500, NULL);
    CHECK(device.sampler.ring.count == GN_RING_SAMPLES);
    CHECK(device.sampler.dropped > 4000);
    CHECK(device.sampler.taken >= device.sampler.dropped + GN_RING_SAMPLES);
}

static void time_that_nobody_polled_is_given_up_at_once(void)
{
    const uint8_t start[GN_START_BYTES_MIN] = {0};
    start_device();
    CHECK(configure_and_start(10000000, start, sizeof start) == (GN_START | GN_REPLY_BIT));
    host_board.micros += 3600ull * 1000000;
    gn_device_poll(&device);
    CHECK(device.sampler.dropped > 35000000);
}

static void heartbeats_come_twice_a_second(void)
{
    uint8_t body[600];
    size_t at = 0, body_bytes;
    int beats = 0;
    start_device();
    device.next_beat_micros = 0;
    samples_sent_in(5000, NULL);
    for (int type = next_frame(&at, body, &body_bytes); type >= 0;
         type = next_frame(&at, body, &body_bytes))
        beats += type == GN_HEARTBEAT;
    CHECK(beats >= 10 && beats <= 11);
}

static void self_test_passes_and_finds_a_clock_that_stands(void)
{
    start_device();
    CHECK(gn_self_test(&device.sampler.ring) == 0);
    CHECK(device.sampler.ring.count == 0);
    host_board.micros_per_look = 0;
    CHECK(gn_self_test(&device.sampler.ring) == 1u << 3);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
#define TEST(name) {#name, name}
        TEST(checksum_has_its_check_value),
        TEST(stuffing_round_trips_every_length),
        TEST(stuffing_of_a_full_run_needs_no_zero),
        TEST(every_flipped_bit_is_found),
        TEST(noise_costs_no_frame_that_follows),
        TEST(clock_goes_on_after_its_counter_wraps),
        TEST(identify_says_who_it_is),
        TEST(a_wrong_request_is_refused_with_the_reason),
        TEST(samples_come_at_the_commanded_rate),
        TEST(samples_come_in_the_commanded_slots_only),
        TEST(a_full_ring_drops_and_counts),
        TEST(time_that_nobody_polled_is_given_up_at_once),
        TEST(heartbeats_come_twice_a_second),
        TEST(self_test_passes_and_finds_a_clock_that_stands),
    };
    int failed_tests = 0;
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        failed_checks = 0;
        tests[i].run();
        printf("%s %s\n", failed_checks ? "FAILED" : "ok    ", tests[i].name);
        failed_tests += failed_checks > 0;
    }
    return failed_tests > 0;
}
