/**
 * SVG as text. Two pictures of rectangles, lines and letters need no library: a chart library
 * brings axes and a browser's document that neither of them uses.
 */
export type Attributes = Readonly<Record<string, string | number>>

export function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`)
  return `<${name}${written.join('')}>${content}</${name}>`
}

export function text(content: string, attributes: Attributes): string {
  return element('text', attributes, escaped(content))
}

export function picture(width: number, height: number, parts: readonly string[]): string {
  const frame = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    'font-family': 'sans-serif',
    'font-size': 11,
  }
  const ground = element('rect', { width, height, fill: '#ffffff' })
  return `${element('svg', frame, `\n${[ground, ...parts].join('\n')}\n`)}\n`
}

/** One colour a model, told apart by hue first and then by light. */
export function modelColour(model: number, models: number): string {
  const hue = Math.round((360 * model) / models)
  return `hsl(${hue}, 75%, ${model % 2 === 0 ? 42 : 62}%)`
}

function attribute(value: string | number): string {
  return typeof value === 'number' ? String(Number(value.toFixed(2))) : escaped(value)
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
