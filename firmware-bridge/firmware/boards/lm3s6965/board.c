/*
 * Stellaris LM3S6965 evaluation board, Cortex-M3: UART0, SysTick, Timer0 and the watchdog. QEMU's
 * machine lm3s6965evb is one. Registers: LM3S6965 data sheet (DS-LM3S6965), chapters 5, 10 to 12.
 */
#include "../../core/board.h"

#include "../../core/simulated_sensor.h"

#define REG(address) (*(volatile uint32_t *)(address))

#define RCGC0 REG(0x400fe100)
#define RCGC1 REG(0x400fe104)
#define RCGC2 REG(0x400fe108)
#define RESET_CAUSE REG(0x400fe05c)
#define RESET_BY_WATCHDOG (1u << 3)
#define DEVICE_ID1 REG(0x400fe004)
#define USER_REG0 REG(0x400fe1e0)
#define USER_REG1 REG(0x400fe1e4)

#define GPIOA_AFSEL REG(0x40004420)
#define GPIOA_DEN REG(0x4000451c)

#define UART_DATA REG(0x4000c000)
#define UART_FLAGS REG(0x4000c018)
#define UART_INTEGER_DIVISOR REG(0x4000c024)
#define UART_FRACTION_DIVISOR REG(0x4000c028)
#define UART_LINE REG(0x4000c02c)
#define UART_CONTROL REG(0x4000c030)
#define UART_FIFO_LEVEL REG(0x4000c034)
#define UART_INTERRUPTS REG(0x4000c038)
#define UART_CLEAR REG(0x4000c044)
#define FLAG_RECEIVE_EMPTY (1u << 4)
#define FLAG_SEND_FULL (1u << 5)
#define INTERRUPT_RECEIVE (1u << 4)
#define INTERRUPT_TIMEOUT (1u << 6)
#define DATA_OVERRUN (1u << 11)

#define WATCHDOG_LOAD REG(0x40000000)
#define WATCHDOG_CONTROL REG(0x40000008)
#define WATCHDOG_CLEAR REG(0x4000000c)
#define WATCHDOG_LOCK REG(0x40000c00)
#define WATCHDOG_UNLOCK 0x1acce551u

#define TIMER_CONFIG REG(0x40030000)
#define TIMER_MODE REG(0x40030004)
#define TIMER_CONTROL REG(0x4003000c)
#define TIMER_INTERRUPTS REG(0x40030018)
#define TIMER_CLEAR REG(0x40030024)
#define TIMER_LOAD REG(0x40030028)
#define TIMER_PERIODIC 2u

#define SYSTICK_CONTROL REG(0xe000e010)
#define SYSTICK_RELOAD REG(0xe000e014)
#define SYSTICK_VALUE REG(0xe000e018)
#define NVIC_ENABLE REG(0xe000e100)
#define UART0_INTERRUPT 5
#define TIMER0_INTERRUPT 19

/* What the reset leaves: the internal oscillator's 12 MHz, 12.5 MHz in QEMU. */
#define CLOCK_HZ 12500000u
/* 24 bits, 1.3 s: a turn whose interrupt is late is still counted, one of a millisecond might not. */
#define TICKS_PER_TURN 0x1000000u
#define BAUD_RATE 115200u

#define RECEIVE_BYTES 1024u /* a power of two */

static struct gn_board board = {"lm3s6965", {0}, 2, 10000000};

static volatile uint8_t received[RECEIVE_BYTES];
static volatile uint32_t received_head; /* written by the interrupt */
static volatile uint32_t received_tail;
static volatile uint32_t receive_lost;
static volatile uint32_t turns; /* enough for 180 years */

/* Not cleared by start.c, so that it lives through a reset; the mark tells whether it is set. */
static struct {
    uint32_t mark;
    uint32_t resets;
} kept __attribute__((section(".noinit")));
#define KEPT_MARK 0x67616e31u

void on_systick(void)
{
    turns++;
}

/* Only wakes the main loop, so that samples are taken in time. */
void on_timer0(void)
{
    TIMER_CLEAR = 1;
}

void on_uart0(void)
{
    UART_CLEAR = INTERRUPT_RECEIVE | INTERRUPT_TIMEOUT;
    while (!(UART_FLAGS & FLAG_RECEIVE_EMPTY)) {
        uint32_t data = UART_DATA;
        if (data & DATA_OVERRUN)
            receive_lost++;
        if (received_head - received_tail == RECEIVE_BYTES)
            receive_lost++;
        else
            received[received_head++ % RECEIVE_BYTES] = (uint8_t)data;
    }
}

static void start_watchdog(void)
{
    WATCHDOG_LOCK = WATCHDOG_UNLOCK;
    WATCHDOG_LOAD = CLOCK_HZ; /* the second time that it runs out it resets: two seconds */
    WATCHDOG_CONTROL = 3;
}

static void count_resets(void)
{
    if (kept.mark != KEPT_MARK) {
        kept.mark = KEPT_MARK;
        kept.resets = 0;
    } else if (RESET_CAUSE & RESET_BY_WATCHDOG) {
        kept.resets++;
    }
    RESET_CAUSE = 0;
}

static void name_board(void)
{
    const uint32_t words[3] = {DEVICE_ID1, USER_REG0, USER_REG1};
    for (int i = 0; i < GN_UNIQUE_ID_BYTES; i++)
        board.unique_id[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
}

void board_start(void)
{
    RCGC0 |= 1u << 3;
    RCGC1 |= 1u << 0 | 1u << 16;
    RCGC2 |= 1u << 0;
    (void)RCGC2; /* three cycles until the clocks run */
    GPIOA_AFSEL |= 3;
    GPIOA_DEN |= 3;
    UART_CONTROL = 0;
    UART_INTEGER_DIVISOR = CLOCK_HZ / (16 * BAUD_RATE);
    UART_FRACTION_DIVISOR = (CLOCK_HZ % (16 * BAUD_RATE) * 64 / (16 * BAUD_RATE));
    UART_LINE = 0x70; /* 8 bits, FIFO */
    UART_FIFO_LEVEL = 0;
    UART_INTERRUPTS = INTERRUPT_RECEIVE | INTERRUPT_TIMEOUT;
    UART_CONTROL = 0x301;
    TIMER_CONFIG = 0; /* 32 bits */
    TIMER_MODE = TIMER_PERIODIC;
    TIMER_LOAD = CLOCK_HZ / 1000 - 1;
    TIMER_INTERRUPTS = 1;
    TIMER_CONTROL = 1;
    NVIC_ENABLE = 1u << UART0_INTERRUPT | 1u << TIMER0_INTERRUPT;
    SYSTICK_RELOAD = TICKS_PER_TURN - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 7;
    name_board();
    count_resets();
    start_watchdog();
}

const struct gn_board *gn_board(void)
{
    return &board;
}

uint64_t gn_board_micros(void)
{
    static uint64_t latest;
    uint32_t turn, ticks;
    /* Again where a turn ended in between; it cannot end twice. */
    do {
        turn = turns;
        /* Zero is where a turn ends, with its interrupt, and where the first one starts. */
        ticks = (TICKS_PER_TURN - SYSTICK_VALUE) % TICKS_PER_TURN;
    } while (turn != turns);
    uint64_t micros = ((uint64_t)turn * TICKS_PER_TURN + ticks) * 2 / 25; /* 12.5 ticks each */
    /* A turn may have ended before its interrupt was served. */
    if (micros < latest)
        micros = latest;
    latest = micros;
    return micros;
}

size_t gn_board_read(uint8_t *bytes, size_t room)
{
    size_t count = 0;
    while (count < room && received_tail != received_head)
        bytes[count++] = received[received_tail++ % RECEIVE_BYTES];
    return count;
}

uint32_t gn_board_receive_lost(void)
{
    return receive_lost;
}

size_t gn_board_write(const uint8_t *bytes, size_t count)
{
    size_t written = 0;
    while (written < count && !(UART_FLAGS & FLAG_SEND_FULL))
        UART_DATA = bytes[written++];
    return written;
}

int16_t gn_board_sample(uint8_t channel, uint64_t micros)
{
    return gn_simulated_sample(channel, micros);
}

void gn_board_feed_watchdog(void)
{
    WATCHDOG_CLEAR = 1;
}

uint32_t gn_board_watchdog_resets(void)
{
    return kept.resets;
}
