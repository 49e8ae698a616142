import { cellOf, type Matrix } from '../../protocol/matrix.ts'

/** How shares in [0, 1] are shown: by colour with the number on it, by shading, or by digits. */
export type Paint = 'truecolor' | 'ansi256' | 'shades' | 'digits'

interface Environment {
  readonly [name: string]: string | undefined
}

/** What the terminal can show. NO_COLOR (no-color.org) counts when it is set and not empty. */
export function paintFor({ isTTY, env }: { isTTY: boolean; env: Environment }): Paint {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || 'UTF-8'
  if (env.TERM === 'dumb' || !/utf-?8/i.test(locale)) return 'digits'
  if (!isTTY || env.NO_COLOR) return 'shades'
  if (/truecolor|24bit/i.test(env.COLORTERM ?? '')) return 'truecolor'
  return /256/.test(env.TERM ?? '') ? 'ansi256' : 'shades'
}

export interface HeatMap {
  /** Slots x lines of the picture; values in [0, 1]. */
  readonly matrix: Matrix
  /** Labels of the matrix columns, which are the lines of the picture. */
  readonly labels: readonly string[]
  /** 'up' puts the first column at the bottom, as in a bar chart. */
  readonly direction: 'down' | 'up'
  readonly paint: Paint
  readonly widthMax: number
}

const CELL_WIDTH_MAX = 6

/** Time to the right, one line a unit or block, axes labelled, legend below. */
export function renderHeatMap({ matrix, labels, direction, paint, widthMax }: HeatMap): string[] {
  const labelWidth = Math.max(4, ...labels.map(label => label.length))
  const cellWidth = Math.floor((widthMax - labelWidth - 2) / matrix.rows)
  if (cellWidth < 1) {
    throw new RangeError(`${matrix.rows} slots do not fit into ${widthMax} columns`)
  }
  const width = Math.min(CELL_WIDTH_MAX, cellWidth)
  const slots = Array.from({ length: matrix.rows }, (_, slot) => slot)
  const lines = labels.map((label, column) => {
    const cells = slots.map(slot => paintCell(cellOf(matrix, slot, column), { paint, width }))
    return `${label.padStart(labelWidth)}  ${cells.join('')}`
  })
  if (direction === 'up') lines.reverse()
  return [
    `${'slot'.padStart(labelWidth)}  ${slotAxis(slots, width)}`.trimEnd(),
    ...lines,
    '',
    `${' '.repeat(labelWidth)}  ${legend(paint)}`,
  ]
}

/** Every slot's number where there is room, else every fifth. */
function slotAxis(slots: readonly number[], width: number): string {
  const isRoomy = width > String(slots.length).length
  return isRoomy
    ? slots.map(slot => centered(String(slot), width)).join('')
    : slots
        .filter(slot => slot % 5 === 0)
        .map(slot => String(slot).padEnd(5 * width))
        .join('')
}

const LEGEND_SHARES = [0, 0.25, 0.5, 0.75, 1]

function legend(paint: Paint): string {
  if (paint === 'digits') return 'percent free: -- none, 99 all'
  if (paint === 'shades') {
    return SHADES.map(({ shade, upTo }) => `${shade.repeat(2)} ${upTo}`).join('   ')
  }
  const cells = LEGEND_SHARES.map(share => paintCell(share, { paint, width: 5 }))
  return `${cells.join('')}  percent free`
}

function paintCell(
  share: number,
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  const percent = String(Math.round(share * 100))
  switch (paint) {
    case 'digits':
      return centered(share > 0 ? String(Math.min(99, Math.round(share * 100))) : '--', width)
    case 'shades':
      return shadeOf(share).repeat(width)
    case 'truecolor':
    case 'ansi256':
      return coloured(percent.length < width ? centered(percent, width) : ' '.repeat(width), {
        share,
        paint,
      })
  }
}

const SHADES = [
  { shade: '·', upTo: 'none', shareMax: 0.005 },
  { shade: '░', upTo: '< 30 %', shareMax: 0.295 },
  { shade: '▒', upTo: '< 55 %', shareMax: 0.545 },
  { shade: '▓', upTo: '< 80 %', shareMax: 0.795 },
  { shade: '█', upTo: '≥ 80 % free', shareMax: Number.POSITIVE_INFINITY },
] as const

function shadeOf(share: number): string {
  return (SHADES.find(({ shareMax }) => share < shareMax) ?? SHADES[0]).shade
}

/**
 * Viridis at 0, 1/8 … 1 (S. van der Walt and N. Smith, 2015): evenly perceived, also by colour-blind
 * people and in greyscale; beside each its nearest entry of the 256-colour cube.
 */
const VIRIDIS = [
  { red: 68, green: 1, blue: 84, ansi: 53 },
  { red: 71, green: 45, blue: 123, ansi: 54 },
  { red: 59, green: 82, blue: 139, ansi: 60 },
  { red: 44, green: 114, blue: 142, ansi: 24 },
  { red: 33, green: 145, blue: 140, ansi: 30 },
  { red: 40, green: 174, blue: 128, ansi: 36 },
  { red: 94, green: 201, blue: 98, ansi: 77 },
  { red: 173, green: 220, blue: 48, ansi: 148 },
  { red: 253, green: 231, blue: 37, ansi: 220 },
] as const

function coloured(
  text: string,
  { share, paint }: { readonly share: number; readonly paint: 'truecolor' | 'ansi256' },
): string {
  const index = Math.round(Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1))
  const { red, green, blue, ansi } = VIRIDIS[index] ?? VIRIDIS[0]
  const background = paint === 'ansi256' ? `48;5;${ansi}` : `48;2;${red};${green};${blue}`
  // White on the dark half, black on the light half.
  const foreground = index < 5 ? '97' : '30'
  return `\u001b[${foreground};${background}m${text}\u001b[0m`
}

function centered(text: string, width: number): string {
  return text.padStart(Math.ceil((width + text.length) / 2)).padEnd(width)
}
