import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { sharedFile } from './directories.ts'
import { npyOf } from './npy.ts'

/** Channel state of an ESP32, one person moving (GeoTecINIT stability-csi-har, ODC-BY 1.0). */
export const CSI_FOLDER = sharedFile('data/wifi-csi-esp32')
export const CSI_SUBCARRIERS = 56

interface CsiIndex {
  readonly scale: number
  readonly recordings: readonly {
    readonly samples: number
    /** In bytes. */
    readonly offset: number
    /** A name, and the first sample that it holds for. */
    readonly labels: readonly (readonly [name: string, from: number])[]
  }[]
}

/**
 * Recordings of the first day as files for a replay sensor: rows of amplitudes, and the class of each.
 * Classes are numbered by their names in the order of the alphabet.
 */
export function writeCsiCapture(
  folder: string,
  name: string,
  { from, to }: { readonly from: number; readonly to: number },
): { readonly path: string; readonly labels: string; readonly classes: number } {
  if (!CSI_FOLDER) throw new Error('there is no shared/data/wifi-csi-esp32')
  const index = JSON.parse(readFileSync(join(CSI_FOLDER, 'D1.index.json'), 'utf8')) as CsiIndex
  const raw = gunzipSync(readFileSync(join(CSI_FOLDER, 'D1.int16.gz')))
  const values = new Int16Array(new Uint8Array(raw).buffer)
  const names = index.recordings.flatMap(({ labels }) => labels.map(([label]) => label))
  const known = [...new Set(names)].sort()
  const chosen = index.recordings.slice(from, to)
  const rows = chosen.flatMap(({ offset, samples }) => {
    const start = offset / Int16Array.BYTES_PER_ELEMENT
    return Array.from(values.subarray(start, start + samples * CSI_SUBCARRIERS), at => at / 256)
  })
  const classes = chosen.flatMap(({ samples, labels }) =>
    Array.from({ length: samples }, (_, row) => {
      const [label = ''] = labels.findLast(([, first]) => first <= row) ?? []
      return known.indexOf(label)
    }),
  )
  const path = join(folder, `${name}.npy`)
  const labels = join(folder, `${name}-labels.npy`)
  const shape = [classes.length, CSI_SUBCARRIERS]
  writeFileSync(path, npyOf(shape, Float32Array.from(rows)))
  writeFileSync(labels, npyOf([classes.length], Int32Array.from(classes)))
  return { path, labels, classes: known.length }
}
