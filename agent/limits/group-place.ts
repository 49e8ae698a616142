import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../runtime/errors.ts'
import { groupPathsOf } from '../measure/cgroup.ts'
import { readKernelTextNow } from '../measure/kernel-file.ts'
import type { BoardRoots } from '../measure/probe.ts'

/** A control group of the trainer's own, below that of the agent. */
export interface GroupPlace {
  readonly kind: 'cgroup-v1' | 'cgroup-v2'
  readonly folder: string
}

/** Why there is no group: in most places that is as it should be. */
export interface NoPlace {
  readonly kind: 'none'
  readonly reason: string
}

export interface TrainerPlaces {
  readonly cpu: GroupPlace | NoPlace
  readonly memory: GroupPlace | NoPlace
  /** Takes back what was made. The processes in it must have ended; may be called again. */
  remove(): void
}

type Controller = 'cpu' | 'memory'
const CONTROLLERS: readonly Controller[] = ['cpu', 'memory']

const GROUP_PREFIX = 'gainnet-trainer-'
/** Where the agent goes itself in v2: a group that gives controllers to others holds no process. */
const AGENT_GROUP = 'gainnet-agent'

/**
 * Makes the trainer's groups where that is the agent's to decide: below a group that holds just this
 * process (a service's with Delegate=yes, systemd's CGROUP_DELEGATION), or at the root of a v1
 * hierarchy, where a new group takes nothing from anybody. Groups of others are never touched. Never
 * throws: without groups the agent confines its trainer by other means.
 */
export function placeTrainer(roots: BoardRoots): TrainerPlaces {
  const { groups, mount } = groupPathsOf(roots)
  const unified = groups.get('')
  if (groups.has('cpu') || groups.has('memory') || unified === undefined) {
    return placesV1(groups, mount)
  }
  return placesV2(join(mount, unified))
}

function placesV1(groups: ReadonlyMap<string, string>, mount: string): TrainerPlaces {
  const place = (controller: Controller): GroupPlace | NoPlace => {
    const path = groups.get(controller)
    if (path === undefined) return none(`no group of the ${controller} controller`)
    const own = join(mount, controller, path)
    if (path !== '/' && !holdsOnlyUs(own)) return none(`others are in ${own}, too`)
    return attempt(() => makeGroup('cgroup-v1', own))
  }
  const places = { cpu: place('cpu'), memory: place('memory') }
  return { ...places, remove: () => removeFolders(Object.values(places)) }
}

/** No internal processes (kernel, admin-guide/cgroup-v2): first the agent steps into a leaf. */
function placesV2(own: string): TrainerPlaces {
  const offered = (readKernelTextNow(join(own, 'cgroup.controllers')) ?? '').split(' ')
  const enabled = CONTROLLERS.filter(controller => offered.includes(controller))
  const agentFolder = join(own, AGENT_GROUP)
  let place: GroupPlace | NoPlace
  if (enabled.length === 0) place = none(`${own} offers neither cpu nor memory`)
  else if (!holdsOnlyUs(own)) place = none(`others are in ${own}, too`)
  else {
    place = attempt(() => {
      mkdirSync(agentFolder, { recursive: true })
      writeFileSync(join(agentFolder, 'cgroup.procs'), String(process.pid))
      writeFileSync(join(own, 'cgroup.subtree_control'), switched('+', enabled))
      return makeGroup('cgroup-v2', own)
    })
  }
  const remove = (): void => {
    if (!enabled.length || readKernelTextNow(join(agentFolder, 'cgroup.procs')) === undefined)
      return
    removeFolders([place])
    writeFileSync(join(own, 'cgroup.subtree_control'), switched('-', enabled))
    writeFileSync(join(own, 'cgroup.procs'), String(process.pid))
    rmdirSync(agentFolder)
  }
  if (place.kind === 'none') tryTo(remove)
  const of = (controller: Controller): GroupPlace | NoPlace =>
    enabled.includes(controller) ? place : none(`${own} does not offer ${controller}`)
  return { cpu: of('cpu'), memory: of('memory'), remove: () => tryTo(remove) }
}

function switched(sign: '+' | '-', controllers: readonly Controller[]): string {
  return controllers.map(controller => `${sign}${controller}`).join(' ')
}

function makeGroup(kind: GroupPlace['kind'], own: string): GroupPlace {
  removeLeftovers(own)
  const folder = join(own, `${GROUP_PREFIX}${process.pid}`)
  mkdirSync(folder, { recursive: true })
  return { kind, folder }
}

/** Of an agent that was killed: its trainer has ended by itself and left the group empty. */
function removeLeftovers(own: string): void {
  for (const name of readdirSync(own)) {
    const pid = Number(name.startsWith(GROUP_PREFIX) ? name.slice(GROUP_PREFIX.length) : Number.NaN)
    if (Number.isInteger(pid) && !isAlive(pid)) tryTo(() => rmdirSync(join(own, name)))
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function holdsOnlyUs(folder: string): boolean {
  return readKernelTextNow(join(folder, 'cgroup.procs')) === String(process.pid)
}

function removeFolders(places: readonly (GroupPlace | NoPlace)[]): void {
  for (const place of places) {
    if (place.kind !== 'none') tryTo(() => rmdirSync(place.folder))
  }
}

function attempt(make: () => GroupPlace): GroupPlace | NoPlace {
  try {
    return make()
  } catch (error) {
    return none(messageOf(error))
  }
}

/** For what may be gone or busy: the next start of an agent removes what is left. */
function tryTo(work: () => void): void {
  try {
    work()
  } catch {
    // Nothing depends on it.
  }
}

function none(reason: string): NoPlace {
  return { kind: 'none', reason }
}
