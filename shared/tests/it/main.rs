//! Tests of `rookery-shared` through its public interface only; one binary.

mod bus_contract;
mod golden;
mod journal;
