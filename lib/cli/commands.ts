import type { Command } from './command'
import { catchUp } from './inbox/catch-up'
import { check } from './inbox/check'
import { giveUp } from './inbox/give-up'
import { list } from './inbox/list'
import { purge } from './inbox/purge'
import { replay } from './inbox/replay'
import { show } from './inbox/show'
import { stats } from './inbox/stats'
import { doctor } from './doctor'
import { simulate } from './simulate'
import { trigger } from './trigger'

export const inboxCommands: Readonly<Record<string, Command>> = {
  list,
  show,
  replay,
  'give-up': giveUp,
  purge,
  stats,
  check,
  'catch-up': catchUp,
}

export const commands: Readonly<Record<string, Command>> = { trigger, simulate, doctor }
