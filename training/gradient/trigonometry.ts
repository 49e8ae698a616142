import { type GradientRule, unary } from './gradient-rule.ts'

export const trigonometryGradients = {
  // y = arccos x     dx = −dy / √(1 − x²)
  Acos: unary(({ x, dy, graph }) =>
    graph.neg(graph.div(dy, graph.emit('Sqrt', [graph.sub(graph.scalar(1, x), graph.mul(x, x))]))),
  ),

  // y = arcosh x     dx = dy / √(x² − 1)
  Acosh: unary(({ x, dy, graph }) =>
    graph.div(dy, graph.emit('Sqrt', [graph.sub(graph.mul(x, x), graph.scalar(1, x))])),
  ),

  // y = arcsin x     dx = dy / √(1 − x²)
  Asin: unary(({ x, dy, graph }) =>
    graph.div(dy, graph.emit('Sqrt', [graph.sub(graph.scalar(1, x), graph.mul(x, x))])),
  ),

  // y = arsinh x     dx = dy / √(1 + x²)
  Asinh: unary(({ x, dy, graph }) =>
    graph.div(dy, graph.emit('Sqrt', [graph.add(graph.scalar(1, x), graph.mul(x, x))])),
  ),

  // y = arctan x     dx = dy / (1 + x²)
  Atan: unary(({ x, dy, graph }) => graph.div(dy, graph.add(graph.scalar(1, x), graph.mul(x, x)))),

  // y = artanh x     dx = dy / (1 − x²)
  Atanh: unary(({ x, dy, graph }) => graph.div(dy, graph.sub(graph.scalar(1, x), graph.mul(x, x)))),

  // y = cos x        dx = −dy · sin x
  Cos: unary(({ x, dy, graph }) => graph.neg(graph.mul(dy, graph.emit('Sin', [x])))),

  // y = cosh x       dx = dy · sinh x
  Cosh: unary(({ x, dy, graph }) => graph.mul(dy, graph.emit('Sinh', [x]))),

  // y = sin x        dx = dy · cos x
  Sin: unary(({ x, dy, graph }) => graph.mul(dy, graph.emit('Cos', [x]))),

  // y = sinh x       dx = dy · cosh x
  Sinh: unary(({ x, dy, graph }) => graph.mul(dy, graph.emit('Cosh', [x]))),

  // y = tan x        dx = dy · (1 + y²)
  Tan: unary(({ y, dy, graph }) => graph.mul(dy, graph.add(graph.scalar(1, y), graph.mul(y, y)))),
} satisfies Record<string, GradientRule>
