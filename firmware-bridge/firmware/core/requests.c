#include "requests.h"

#include "board.h"
#include "bytes.h"
#include "self_test.h"

struct reply {
    uint8_t body[GN_FRAME_OVERHEAD + GN_SEND_PAYLOAD_MAX];
    uint8_t *at;
};

struct context {
    struct gn_device *device;
    const uint8_t *payload;
    size_t payload_bytes;
    uint64_t received_micros;
};

/* Writes the reply's payload and returns GN_STATUS_OK, or returns why it does not. */
typedef uint8_t handler(const struct context *context, struct reply *reply);

static uint8_t confirm(struct reply *reply)
{
    *reply->at++ = GN_STATUS_OK;
    return GN_STATUS_OK;
}

static uint8_t identify(const struct context *context, struct reply *reply)
{
    const struct gn_board *board = gn_board();
    (void)context;
    *reply->at++ = GN_PROTOCOL_VERSION;
    reply->at = gn_put_u32(reply->at, GN_FIRMWARE_VERSION);
    const char *name = board->name;
    for (int i = 0; i < 16; i++)
        *reply->at++ = (uint8_t)(*name ? *name++ : 0);
    for (int i = 0; i < GN_UNIQUE_ID_BYTES; i++)
        *reply->at++ = board->unique_id[i];
    *reply->at++ = board->channels;
    reply->at = gn_put_u32(reply->at, board->rate_milli_hz_max);
    reply->at = gn_put_u16(reply->at, GN_RING_SAMPLES);
    return GN_STATUS_OK;
}

static uint8_t configure(const struct context *context, struct reply *reply)
{
    const struct gn_board *board = gn_board();
    uint8_t number = context->payload[0];
    uint32_t rate_milli_hz = gn_get_u32(context->payload + 1);
    uint8_t samples_per_frame = context->payload[5];
    if (number >= board->channels || rate_milli_hz == 0 ||
        rate_milli_hz > board->rate_milli_hz_max || samples_per_frame == 0 ||
        samples_per_frame > GN_SAMPLES_PER_FRAME_MAX)
        return GN_STATUS_VALUE_OUT_OF_RANGE;
    struct gn_sampler *sampler = &context->device->sampler;
    /* The times of samples that wait are told by their rate: they go with the old one. */
    sampler->is_running = 0;
    gn_ring_drop(&sampler->ring, sampler->ring.count);
    sampler->channels[number] = (struct gn_channel){rate_milli_hz, samples_per_frame, 0};
    return confirm(reply);
}

static uint8_t start(const struct context *context, struct reply *reply)
{
    struct gn_sampler *sampler = &context->device->sampler;
    uint64_t start_micros = gn_get_u64(context->payload);
    uint32_t slot_micros = gn_get_u32(context->payload + 8);
    uint16_t slot_count = gn_get_u16(context->payload + 12);
    size_t slot_bytes = context->payload_bytes - GN_START_BYTES_MIN;
    if (slot_count > GN_SLOTS_MAX || slot_bytes != (size_t)(slot_count + 7) / 8 ||
        (slot_micros > 0 && slot_count == 0))
        return GN_STATUS_VALUE_OUT_OF_RANGE;
    uint8_t is_configured = 0;
    for (uint8_t i = 0; i < gn_board()->channels; i++) {
        is_configured |= sampler->channels[i].rate_milli_hz > 0;
        sampler->channels[i].next_index = 0;
    }
    if (!is_configured)
        return GN_STATUS_NOT_CONFIGURED;
    gn_ring_drop(&sampler->ring, sampler->ring.count);
    sampler->start_micros = start_micros > 0 ? start_micros : gn_board_micros();
    sampler->slot_micros = slot_micros;
    sampler->slot_count = slot_count;
    for (size_t i = 0; i < slot_bytes; i++)
        sampler->slots[i] = context->payload[GN_START_BYTES_MIN + i];
    sampler->is_running = 1;
    return confirm(reply);
}

static uint8_t stop(const struct context *context, struct reply *reply)
{
    context->device->sampler.is_running = 0;
    return confirm(reply);
}

static uint8_t tell_time(const struct context *context, struct reply *reply)
{
    reply->at = gn_put_u64(reply->at, gn_get_u64(context->payload));
    reply->at = gn_put_u64(reply->at, context->received_micros);
    reply->at = gn_put_u64(reply->at, gn_board_micros());
    return GN_STATUS_OK;
}

static uint8_t self_test(const struct context *context, struct reply *reply)
{
    uint16_t failed = gn_self_test(&context->device->sampler.ring);
    *reply->at++ = failed ? GN_STATUS_SELF_TEST_FAILED : GN_STATUS_OK;
    reply->at = gn_put_u16(reply->at, failed);
    reply->at = gn_put_u32(reply->at, (uint32_t)(gn_board_micros() - context->received_micros));
    return GN_STATUS_OK;
}

static uint8_t statistics(const struct context *context, struct reply *reply)
{
    const struct gn_device *device = context->device;
    const uint32_t counts[] = {
        (uint32_t)(gn_board_micros() / 1000),
        device->receiver.frames,
        device->frames_sent,
        device->receiver.checksum_errors,
        device->receiver.stuffing_errors,
        device->receiver.truncated,
        device->receiver.overruns,
        gn_board_receive_lost(),
        device->sampler.taken,
        device->sampler.dropped,
        gn_board_watchdog_resets(),
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        reply->at = gn_put_u32(reply->at, counts[i]);
    return GN_STATUS_OK;
}

static const struct {
    uint8_t type;
    uint8_t bytes_min;
    uint8_t bytes_max;
    handler *handle;
} handlers[] = {
    {GN_IDENTIFY, GN_IDENTIFY_BYTES, GN_IDENTIFY_BYTES, identify},
    {GN_CONFIGURE, GN_CONFIGURE_BYTES, GN_CONFIGURE_BYTES, configure},
    {GN_START, GN_START_BYTES_MIN, GN_START_BYTES_MIN + GN_SLOTS_MAX / 8, start},
    {GN_STOP, GN_STOP_BYTES, GN_STOP_BYTES, stop},
    {GN_TIME, GN_TIME_BYTES, GN_TIME_BYTES, tell_time},
    {GN_SELF_TEST, GN_SELF_TEST_BYTES, GN_SELF_TEST_BYTES, self_test},
    {GN_STATISTICS, GN_STATISTICS_BYTES, GN_STATISTICS_BYTES, statistics},
};

static uint8_t carry_out(const struct context *context, uint8_t type, struct reply *reply)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].type != type)
            continue;
        if (context->payload_bytes < handlers[i].bytes_min ||
            context->payload_bytes > handlers[i].bytes_max)
            return GN_STATUS_WRONG_LENGTH;
        return handlers[i].handle(context, reply);
    }
    return GN_STATUS_UNKNOWN_REQUEST;
}

void gn_answer(struct gn_device *device, const struct gn_frame *request, uint64_t received_micros)
{
    struct context context = {device, request->payload, request->payload_bytes, received_micros};
    struct reply reply;
    reply.body[0] = (uint8_t)(request->type | GN_REPLY_BIT);
    reply.body[1] = request->sequence;
    reply.at = reply.body + 2;
    uint8_t status = carry_out(&context, request->type, &reply);
    if (status != GN_STATUS_OK) {
        reply.body[0] = GN_REFUSAL;
        reply.at = reply.body + 2;
        *reply.at++ = request->type;
        *reply.at++ = status;
    }
    gn_device_send(device, reply.body, (uint16_t)(reply.at - reply.body - 2));
}
