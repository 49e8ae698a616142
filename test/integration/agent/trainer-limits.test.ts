import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { TrainerPool } from '../../../agent/assignment/trainer-pool.ts'
import { runTraining } from '../../../agent/assignment/training-run.ts'
import { ComputeBudget } from '../../../agent/limits/compute-budget.ts'
import type { TrainerLimits } from '../../../agent/limits/trainer-limits.ts'
import { systemClock } from '../../../runtime/clock.ts'
import { testLog } from '../../support/test-log.ts'
import { openLimits } from '../../support/trainer-limits.ts'
import { BATCH, jobOf } from './tiny-model.ts'

const MIB = 2 ** 20
const SHARE = 0.5
const SAMPLES = 20 * BATCH
const CPU_GROUPS = '/sys/fs/cgroup/cpu'
const TRAINER_GROUP = `${CPU_GROUPS}/gainnet-trainer-${process.pid}`

/** cgroup v1, with this process in the root group of the cpu controller. */
const canMakeGroups = (() => {
  try {
    accessSync(`${CPU_GROUPS}/cgroup.procs`, constants.W_OK)
    return /^\d+:(?:.*,)?cpu(?:,.*)?:\/$/m.test(readFileSync('/proc/self/cgroup', 'utf8'))
  } catch {
    return false
  }
})()

function openPool(limits: TrainerLimits): TrainerPool {
  const pool = new TrainerPool({ niceness: 0, limits, idleMsMax: 60_000, log: testLog().log })
  onTestFinished(() => pool.stop())
  return pool
}

/** Of one core over the slots, by the CPU time of the whole child in the kernel's own count. */
async function coresUsed(pool: TrainerPool, slotsMs: number) {
  const loan = pool.lend()
  const trainer = await loan.trainer
  await trainer.load(jobOf(SAMPLES))
  const ticks = (): number => {
    const stat = readFileSync(`/proc/${trainer.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const [startsAtMs, ticksBefore, idleBefore] = [systemClock.now(), ticks(), idleTicks()]
  const endsAtMs = startsAtMs + slotsMs
  const budget = new ComputeBudget({ clock: systemClock, share: SHARE, startsAtMs, endsAtMs })
  loan.limits.limitShare(SHARE)
  const result = await runTraining({
    trainer,
    order: { localEpochs: 1_000_000, learningRate: 0.01 },
    sampleCount: SAMPLES,
    samplesPerStep: BATCH,
    budget,
    clock: systemClock,
    endsAtMs,
    signal: new AbortController().signal,
  })
  return {
    byKernel: ((ticks() - ticksBefore) * 10) / slotsMs,
    byChild: (result.cpuSeconds * 1000) / slotsMs,
    idleCores: ((idleTicks() - idleBefore) * 10) / slotsMs,
  }
}

/** Of all cores: field 4 of the first line of proc_stat(5). */
function idleTicks(): number {
  return Number(readFileSync('/proc/stat', 'utf8').split(/\s+/)[4])
}

function expectHalfACore(used: Awaited<ReturnType<typeof coresUsed>>): void {
  expect(used.byKernel).toBeLessThan(0.6)
  expect(used.byChild).toBeLessThan(0.6)
  // Where others keep the machine busy there is less to be had.
  const least = used.idleCores > 0.5 ? 0.4 : 0
  expect(used.byKernel, `${used.idleCores} cores were idle`).toBeGreaterThan(least)
  expect(used.byChild, `${used.idleCores} cores were idle`).toBeGreaterThan(least)
}

test('half a core is half a core, in as many steps as that allows', async () => {
  expectHalfACore(await coresUsed(openPool(openLimits()), 2000))
})

test.skipIf(!canMakeGroups)(
  'in a control group it is half a core as well, and the group is gone with its agent',
  async () => {
    const limits = openLimits({ sysRoot: '/sys' })
    expect(limits.confinement.computing).toBe('cgroup-v1')
    const pool = openPool(limits)
    expectHalfACore(await coresUsed(pool, 2000))
    expect(existsSync(TRAINER_GROUP)).toBe(true)
    await pool.stop()
    await limits.stop()
    expect(existsSync(TRAINER_GROUP)).toBe(false)
  },
)

test('a trainer over its limit of memory is ended by name, and the next one works', async () => {
  // A trainer without any model has more than that.
  const limits = openLimits({ memoryBytesMax: 48 * MIB })
  const pool = openPool(limits)
  const loan = pool.lend()
  const trainer = await loan.trainer
  await trainer.exited
  await expect(trainer.parameters()).rejects.toMatchObject({
    code: 'TRAINER_OVER_MEMORY',
    message: expect.stringMatching(/with \d+ MiB at its limit of 48 MiB/),
  })
  loan.release()
  const next = await openPool(openLimits()).lend().trainer
  expect(await next.load(jobOf(SAMPLES))).toMatchObject({ stepCount: 0 })
})

test('what a trainer held at most is told with its limit', async () => {
  const loan = openPool(openLimits({ memoryBytesMax: 900 * MIB })).lend()
  await loan.trainer
  expect(loan.limits.memoryUse?.granted).toBe(900 * MIB)
  expect(loan.limits.memoryUse?.used).toBeGreaterThan(30 * MIB)
  expect(loan.limits.memoryUse?.used).toBeLessThan(900 * MIB)
})

test('who gives up a round ends its training within a chunk, not with its slots', async () => {
  const trainer = await openPool(openLimits()).lend().trainer
  await trainer.load(jobOf(SAMPLES))
  const abort = new AbortController()
  const startsAtMs = systemClock.now()
  const endsAtMs = startsAtMs + 60_000
  const training = runTraining({
    trainer,
    order: { localEpochs: 1_000_000, learningRate: 0.01 },
    sampleCount: SAMPLES,
    samplesPerStep: BATCH,
    budget: new ComputeBudget({ clock: systemClock, share: 1, startsAtMs, endsAtMs }),
    clock: systemClock,
    endsAtMs,
    signal: abort.signal,
  })
  abort.abort(new Error('the communication round is over'))
  await expect(training).rejects.toThrow('the communication round is over')
  expect(systemClock.now()).toBeLessThan(endsAtMs - 30_000)
  // It stands where it was cut, and goes on.
  expect((await trainer.step({ steps: 1, learningRate: 0.01 })).losses).toHaveLength(1)
})
