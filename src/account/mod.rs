//! What we believe we hold: positions, cash, profit, equity, order life cycle.
