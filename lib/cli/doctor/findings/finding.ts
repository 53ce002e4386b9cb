/** A finding of `doctor`: its consequence for events, and the remedy for each kind of proxy or server. */

export type Server = 'nginx' | 'Apache' | 'HAProxy' | 'Caddy' | 'app'

export interface Finding {
  title: string
  effect: string
  /** The remedy for each server, in the order of display. Absent for a server on which nothing has to be changed. */
  remedies: Partial<Record<Server, string>>
}
