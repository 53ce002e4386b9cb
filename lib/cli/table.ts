/** A table that fits a width: cuts the long columns, and leaves out those that say nothing or find no room. */
import { fit, printable, widthOf } from './printable'

export interface Column<Row> {
  title: string
  /** Empty for what has none. */
  text: (row: Row) => string
  /** Width below which the column is left out rather than cut. Absent: it is never cut. */
  min?: number | undefined
  /** Where there is no room, the highest is left out first. Absent: the column is always there. */
  rank?: number | undefined
}

interface Fitted<Row> extends Column<Row> {
  cells: string[]
  natural: number
  width: number
}

const GAP = '  '

/** One line each, the title first. */
export function tableLines<Row>(rows: Row[], columns: Column<Row>[], width: number): string[] {
  const shown = fitColumns(rows, columns, width)
  const line = (cellOf: (column: Fitted<Row>) => string): string =>
    shown
      .map((column) => fit(cellOf(column), column.width))
      .join(GAP)
      .trimEnd()
  return [line(({ title }) => title), ...rows.map((_row, i) => line(({ cells }) => cells[i] ?? ''))]
}

function fitColumns<Row>(rows: Row[], columns: Column<Row>[], width: number): Fitted<Row>[] {
  let shown = columns
    .map((column) => measure(rows, column))
    .filter(({ cells, rank }) => rank === undefined || cells.some((cell) => cell !== ''))
  while (totalOf(shown) > width) {
    const [last] = shown.filter(({ rank }) => rank !== undefined).sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0))
    if (!last) break
    shown = shown.filter((column) => column !== last)
  }
  // What is left over goes to the narrowest of those that are cut, so that no column starves beside a long one.
  for (let rest = width - totalOf(shown); rest > 0; rest--) {
    const [narrowest] = shown.filter((column) => column.width < column.natural).sort((a, b) => a.width - b.width)
    if (!narrowest) break
    narrowest.width++
  }
  return shown
}

function measure<Row>(rows: Row[], column: Column<Row>): Fitted<Row> {
  const cells = rows.map((row) => {
    const text = column.text(row)
    return text === '' ? '' : printable(text)
  })
  const natural = cells.reduce((widest, cell) => Math.max(widest, widthOf(cell)), widthOf(column.title))
  return { ...column, cells, natural, width: Math.min(natural, column.min ?? natural) }
}

function totalOf<Row>(columns: Fitted<Row>[]): number {
  return columns.reduce((total, column) => total + column.width + GAP.length, -GAP.length)
}
