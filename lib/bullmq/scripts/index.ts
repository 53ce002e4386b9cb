/** All Lua scripts by the name of the command that they become on a connection. */
import { ACCEPT } from './accept'
import { PAGE, PURGE, REPLAY, SHOW, STATS } from './admin'
import { BEGIN, OVERDUE, RELEASE, RENEW, SETTLE } from './turn'

export const SCRIPTS = {
  accept: ACCEPT,
  begin: BEGIN,
  settle: SETTLE,
  renew: RENEW,
  release: RELEASE,
  overdue: OVERDUE,
  page: PAGE,
  show: SHOW,
  replay: REPLAY,
  purge: PURGE,
  stats: STATS,
} as const

export type ScriptName = keyof typeof SCRIPTS
