import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseChannelSurvey } from '../../../agent/radio/channel-survey.ts'
import { ChannelWatch } from '../../../agent/radio/channel-watch.ts'
import { temporaryDirectory } from '../../support/directories.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const survey = (active: number, busy: number, megahertz = 5180) => `Survey data from wlan0
\tfrequency:\t\t\t2412 MHz
\tnoise:\t\t\t\t-92 dBm
\tchannel active time:\t\t130 ms
\tchannel busy time:\t\t90 ms
Survey data from wlan0
\tfrequency:\t\t\t${megahertz} MHz [in use]
\tnoise:\t\t\t\t-95 dBm
\tchannel active time:\t\t${active} ms
\tchannel busy time:\t\t${busy} ms
\tchannel receive time:\t\t12 ms
Survey data from wlan0
\tfrequency:\t\t\t5200 MHz
`

test('a survey says what was counted on each channel; one that is not counted is left out', () => {
  expect(parseChannelSurvey(survey(25_000, 5000))).toEqual([
    { frequencyHz: 2.412e9, isInUse: false, activeMs: 130, busyMs: 90, noiseDbm: -92 },
    { frequencyHz: 5.18e9, isInUse: true, activeMs: 25_000, busyMs: 5000, noiseDbm: -95 },
  ])
  expect(parseChannelSurvey(survey(10, 20))).toHaveLength(1)
  expect(parseChannelSurvey('command failed: No such device (-19)')).toEqual([])
})

async function watchOn(board: 'wifi' | 'none', answers: readonly string[]) {
  const sysRoot = temporaryDirectory()
  if (board === 'wifi') {
    mkdirSync(join(sysRoot, 'class/ieee80211/phy0/device/net/wlan0'), { recursive: true })
  }
  const clock = new VirtualClock()
  const asked: string[] = []
  const watch = new ChannelWatch({
    sysRoot,
    clock,
    ask: async name => {
      asked.push(name)
      return answers[asked.length - 1]
    },
  })
  onTestFinished(() => watch.stop())
  await watch.start()
  return { watch, clock, asked }
}

test('the share of two looks is that of the time between them, and of one that since the start', async () => {
  const { watch, clock, asked } = await watchOn('wifi', [
    survey(20_000, 5000),
    survey(620_000, 65_000),
    survey(1000, 400),
    survey(9000, 0, 5745),
  ])
  const look = async (count: number) => {
    await clock.advance(600_000)
    await expect.poll(() => asked.length).toBe(count)
    await expect.poll(() => clock.timerCount).toBe(1)
  }
  expect(watch.figures).toMatchObject({ frequencyHz: 5.18e9, busyShare: 0.25, heardSeconds: 20 })
  await look(2)
  expect(watch.figures).toMatchObject({ busyShare: 0.1, heardSeconds: 600, noiseDbm: -95 })
  // The driver was started anew, then the channel changed.
  await look(3)
  expect(watch.figures).toMatchObject({ busyShare: 0.4, heardSeconds: 1 })
  await look(4)
  expect(watch.figures).toMatchObject({ frequencyHz: 5.745e9, busyShare: 0, heardSeconds: 9 })
  expect(asked).toEqual(['wlan0', 'wlan0', 'wlan0', 'wlan0'])
})

test('a board without Wi-Fi starts nothing, now and later', async () => {
  const { watch, clock, asked } = await watchOn('none', [])
  await clock.advance(6_000_000)
  expect(asked).toEqual([])
  expect(clock.timerCount).toBe(0)
  expect(watch.figures).toBeNull()
})
