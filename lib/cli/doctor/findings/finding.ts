/** A finding of `doctor`: what it means for events, and the remedy for each kind of proxy or server. */

export type Server = 'nginx' | 'Apache' | 'HAProxy' | 'Caddy' | 'app'

export interface Finding {
  title: string
  /** The consequence for events. */
  effect: string
  /** Remedies in the order in which they are shown. Absent for a server where nothing has to change. */
  remedies: Partial<Record<Server, string>>
}
