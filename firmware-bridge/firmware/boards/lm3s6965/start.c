/* Vector table, memory and main loop. */
#include <stddef.h>
#include <stdint.h>

#include "../../core/device.h"

extern uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];

void board_start(void);
void on_systick(void);
void on_uart0(void);
void on_timer0(void);

static struct gn_device device;

/* The compiler calls these for structures; the C library is not linked. */
void *memcpy(void *to, const void *from, size_t count)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    while (count-- > 0)
        *target++ = *source++;
    return to;
}

void *memset(void *to, int value, size_t count)
{
    uint8_t *target = to;
    while (count-- > 0)
        *target++ = (uint8_t)value;
    return to;
}

/* The watchdog ends it. */
static void on_fault(void)
{
    for (;;) {
    }
}

static void on_reset(void)
{
    uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end; to++)
        *to = *from++;
    for (uint32_t *to = bss_start; to < bss_end; to++)
        *to = 0;
    board_start();
    for (;;) {
        gn_device_poll(&device);
        /* Until the next interrupt: a byte, or the millisecond. */
        __asm volatile("wfi");
    }
}

typedef void vector(void);

__attribute__((section(".vectors"), used)) static vector *const vectors[] = {
    (vector *)stack_top,
    on_reset,
    on_fault, /* NMI */
    on_fault, /* hard fault */
    on_fault, /* memory management */
    on_fault, /* bus */
    on_fault, /* usage */
    NULL, NULL, NULL, NULL,
    on_fault, /* SVCall */
    on_fault, /* debug monitor */
    NULL,
    on_fault, /* PendSV */
    on_systick,
    on_fault, on_fault, on_fault, on_fault, on_fault, /* GPIO A to E */
    on_uart0,
    on_fault, on_fault, on_fault, on_fault, on_fault, on_fault, on_fault, /* UART1 to PWM1 */
    on_fault, on_fault, on_fault, on_fault, on_fault, on_fault,           /* PWM2 to watchdog */
    on_timer0,
};
