import { describe, expect, test } from 'vitest'
import { ld2410Decoder } from '../../../../firmware-bridge/drivers/ld2410.ts'
import { decoded, decodedInPieces } from './captures.ts'

// The two examples of the protocol document (Hi-Link V1.02, 2.3.2).
const BASIC = bytes('f4f3f2f1 0d00 02aa 02 5100 00 0000 3b 0000 5500 f8f7f6f5')
const ENGINEERING = bytes(
  `f4f3f2f1 2300 01aa 03 1e00 3c 0000 39 0000 08 08 3c2205030304030605 000039101306060804
   0305 5500 f8f7f6f5`,
)

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replace(/\s/g, ''), 'hex')
}

describe('reports of the LD2410', () => {
  test('the basic one says who is there and where', () => {
    expect(decoded(ld2410Decoder(), BASIC).readings).toEqual([
      {
        target: 'standing',
        movingMetres: 0.81,
        movingEnergy: 0,
        standingMetres: 0,
        standingEnergy: 59,
        detectionMetres: 0,
      },
    ])
  })

  test('that of the engineering mode gives the energy of each gate', () => {
    expect(decoded(ld2410Decoder(), ENGINEERING).readings).toMatchObject([
      {
        target: 'moving and standing',
        movingMetres: 0.3,
        movingEnergy: 60,
        movingGates: [0x3c, 0x22, 5, 3, 3, 4, 3, 6, 5],
        standingGates: [0, 0, 0x39, 0x10, 0x13, 6, 6, 8, 4],
      },
    ])
  })

  test('in noise, cut anywhere, between answers to commands: all are found', () => {
    const answer = bytes('fdfcfbfa 0400 ff01 0000 04030201')
    const noise = bytes('00f4fff3fdaa55f8f4')
    const line = Buffer.concat([noise, BASIC, answer, noise, ENGINEERING, BASIC])
    const { readings, tally } = decodedInPieces(ld2410Decoder(), line)
    expect(readings).toHaveLength(3)
    expect(tally.others).toEqual({ 'answer to a command': 1 })
  })

  test.each([
    ['length', 4, 0xff],
    ['footer', 19, 0],
    ['marks of the report', 7, 0],
    ['target state', 8, 9],
  ])('a wrong %s is counted, and the next report is read', (reason, at, value) => {
    const broken = Buffer.from(BASIC)
    broken[at] = value
    const { readings, tally } = decoded(ld2410Decoder(), Buffer.concat([broken, BASIC]))
    expect(readings).toHaveLength(1)
    expect(tally.dropped).toEqual({ [reason]: 1 })
  })
})
