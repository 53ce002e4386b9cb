/** A table. On a terminal, columns are cut or left out until the table fits; elsewhere the table is complete. */
import { styled, type Style } from './output'
import { fit, printable, widthOf } from './printable'

export interface Column<Row> {
  title: string
  /** Returns the text of a cell; empty if there is no value. */
  text: (row: Row) => string
  style?: (row: Row) => Style | undefined
  /** Smallest width to which the column may be cut. Default: it is never cut. */
  min?: number
  /** The part of a text that is kept when it is cut. Default: the start. */
  keep?: 'start' | 'end'
  /** Columns with the highest rank are left out first. Default: the column is never left out. */
  rank?: number
}

interface Laid<Row> extends Column<Row> {
  natural: number
  width: number
}

const GAP = '  '

/** Determines the layout from the first rows, and uses it for later rows too. `width` is the width of the terminal. */
export function layOut<Row>(rows: Row[], columns: Column<Row>[], width: number | undefined) {
  const shown = fitColumns(rows, columns, width)
  const line = (cells: Array<[cell: string, style: Style | undefined]>): string =>
    cells
      .map(([cell, style], i) => {
        const { width: own = 0, keep } = shown[i] ?? {}
        const fitted = width === undefined ? cell + ' '.repeat(Math.max(0, own - widthOf(cell))) : fit(cell, own, keep)
        const text = i === cells.length - 1 ? fitted.trimEnd() : fitted
        return styled(style, text)
      })
      .join(GAP)
      .trimEnd()
  return {
    title: line(shown.map(({ title }) => [title, 'bold'])),
    line: (row: Row) => line(shown.map((column) => [cellOf(column, row), column.style?.(row)])),
  }
}

function cellOf<Row>({ text }: Column<Row>, row: Row): string {
  const value = text(row)
  return value === '' ? '' : printable(value)
}

function fitColumns<Row>(rows: Row[], columns: Column<Row>[], width = Infinity): Laid<Row>[] {
  let shown = columns.map((column) => measure(rows, column))
  // On a terminal, a column with a rank is left out if it has no value in the first rows. Elsewhere it is kept, because
  // a later row may have a value.
  if (width !== Infinity) shown = shown.filter(({ rank, natural }) => rank === undefined || natural > 0)
  for (const column of shown) column.natural = Math.max(column.natural, widthOf(column.title))
  for (const column of shown) column.width = Math.min(column.natural, column.min ?? column.natural)
  while (totalOf(shown) > width) {
    const [last] = shown.filter(({ rank }) => rank !== undefined).sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0))
    if (!last) break
    shown = shown.filter((column) => column !== last)
  }
  // The remaining width is given to the narrowest of the columns that are cut.
  for (let rest = width - totalOf(shown); rest > 0; rest--) {
    const [narrowest] = shown.filter((column) => column.width < column.natural).sort((a, b) => a.width - b.width)
    if (!narrowest) break
    narrowest.width++
  }
  return shown
}

function measure<Row>(rows: Row[], column: Column<Row>): Laid<Row> {
  const natural = rows.reduce((widest, row) => Math.max(widest, widthOf(cellOf(column, row))), 0)
  return { ...column, natural, width: 0 }
}

function totalOf<Row>(columns: Laid<Row>[]): number {
  return columns.reduce((total, column) => total + column.width + GAP.length, -GAP.length)
}
