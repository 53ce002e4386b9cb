/** What doctor can find: what it means for events, and the remedy for each kind of server in front. */

export type Server = 'nginx' | 'Apache' | 'HAProxy' | 'Caddy' | 'app'

export interface Finding {
  title: string
  /** What becomes of events. */
  effect: string
  /** In the order in which they are shown. Absent where nothing has to change there. */
  remedies: Partial<Record<Server, string>>
}
