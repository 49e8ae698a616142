import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ContestantProcess } from './contestant-process.ts'

/** Debian's, which knows the packages of Debian; another one may come first on the path. */
const PYTHON = '/usr/bin/python3'

/** Says which libraries do the matrix products of this PyTorch, and what CPU time some products take. */
const LOOK = `
import time
import torch
torch.set_num_threads(1)
a, b = torch.ones(512, 128), torch.ones(128, 512)
def products():
    start = time.process_time()
    for _ in range(50):
        c = a @ b
        c @ b.t()
        a.t() @ c
    return time.process_time() - start
seconds = min(products() for _ in range(8))
print(torch.__version__)
print(*{line.split()[-1] for line in open('/proc/self/maps') if 'blas' in line})
print(seconds)
`

export type Torch =
  | { readonly isThere: true; readonly version: string; readonly coreType: string }
  | { readonly isThere: false; readonly why: string }

/** PyTorch with a fast matrix product: with Debian's reference BLAS it takes ten times as long. */
export function findTorch(): Torch {
  const looks = openBlasCoreTypes().map(coreType => ({ coreType, ...look(coreType) }))
  const [fastest] = looks.toSorted((a, b) => a.seconds - b.seconds)
  const install = (packages: string) => `apt-get install ${packages}`
  if (fastest?.status !== 0) {
    const why = `no PyTorch to compare with: ${install('python3-torch libopenblas0-pthread')}`
    return { isThere: false, why }
  }
  const { libraries, version, coreType } = fastest
  if (!libraries.includes('openblas') && !libraries.includes('mkl')) {
    const why = `this PyTorch has a slow BLAS: ${install('libopenblas0-pthread')}`
    return { isThere: false, why }
  }
  return { isThere: true, version, coreType }
}

function look(coreType: string) {
  const { status, stdout } = spawnSync(PYTHON, ['-c', LOOK], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, ...torchEnvironment(coreType) },
  })
  const [version = '', libraries = '', seconds] = (stdout ?? '').split('\n')
  return { status, version, libraries, seconds: Number(seconds || Number.POSITIVE_INFINITY) }
}

/**
 * OpenBLAS takes an unknown CPU for the oldest of its kind (a virtual one, mostly) and then computes
 * at a quarter of the speed. So it is told what the CPU can do, by the name that is fastest.
 */
function openBlasCoreTypes(): readonly string[] {
  const flags = /^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ')
  return [
    ...(flags?.includes('avx512f') ? ['SkylakeX'] : []),
    ...(flags?.includes('avx2') ? ['Haswell'] : ['']),
  ]
}

function torchEnvironment(coreType: string): Readonly<Record<string, string>> {
  return { OMP_NUM_THREADS: '1', ...(coreType === '' ? {} : { OPENBLAS_CORETYPE: coreType }) }
}

/** PyTorch as a contestant: script of bench/pytorch and the folder of its workload. */
export function startTorch(
  { coreType }: Extract<Torch, { isThere: true }>,
  script: string,
  folder: string,
): Promise<ContestantProcess> {
  return ContestantProcess.start(PYTHON, [join(scriptFolder(), script), folder], {
    ...torchEnvironment(coreType),
  })
}

/** The scripts are not compiled: they lie beside the sources. */
function scriptFolder(): string {
  const here = fileURLToPath(new URL('../pytorch', import.meta.url))
  return here.replace(/\/dist(\/bench\/pytorch)$/, '$1')
}
