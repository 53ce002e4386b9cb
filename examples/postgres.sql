CREATE TABLE deliveries (id uuid PRIMARY KEY);
CREATE TABLE orders (id text PRIMARY KEY, number text, status text, updated_at timestamptz);
CREATE TABLE order_lines (
  id text PRIMARY KEY, order_id text NOT NULL REFERENCES orders, position text, status text, updated_at timestamptz
);
