import { CONNECTION } from './connection'
import type { Finding } from './finding'
import { REQUESTS } from './requests'

export type FindingCode = keyof typeof CONNECTION | keyof typeof REQUESTS

export const FINDINGS: Readonly<Record<FindingCode, Finding>> = { ...CONNECTION, ...REQUESTS }

export type { Finding } from './finding'
