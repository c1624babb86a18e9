//! Budgets of requests.
