//! Rows as records with texts, as hosts commonly pass them: `records COMPONENT ROWS` prints the best time of a call on a
//! core, in microseconds, with its instance.
//!
//! The guests are those of `tests/guests/records`; the bench `languages` of the CLI runs this beside the same rows as
//! columns. The engine's settings are the host's, without its checks and configuration: less than a host has to do.

#![expect(clippy::print_stdout, reason = "what it found is what it prints")]

use cpu_time::ThreadTime;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

const CALLS: usize = 20;

type Row = (String, u32, u32, u32, Vec<(String, String)>);

fn main() -> wasmtime::Result<()> {
    let usage = || wasmtime::Error::msg("usage: records COMPONENT ROWS");
    let mut arguments = std::env::args().skip(1);
    let component = std::fs::read(arguments.next().ok_or_else(usage)?)?;
    let count = arguments
        .next()
        .and_then(|count| count.parse().ok())
        .ok_or_else(usage)?;
    println!("{:.1}", best(&component, count)?);
    Ok(())
}

/// Best of a few calls, each with an instance of its own.
fn best(component: &[u8], count: u32) -> wasmtime::Result<f64> {
    let mut config = Config::new();
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memory_size(256 << 20)
        .total_memories(32)
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        .max_core_instances_per_component(64)
        .table_elements(100_000)
        .max_core_instance_size(2 << 20)
        .max_component_instance_size(2 << 20);
    config
        .concurrency_support(false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let component = Component::new(&engine, component)?;
    let interface = component.get_export_index(None, "plimsoll:records/records@0.1.0");
    let place = component.get_export_index(interface.as_ref(), "place");
    let place = place.ok_or_else(|| wasmtime::Error::msg("no function `place`"))?;
    let ready = Linker::<()>::new(&engine).instantiate_pre(&component)?;
    let rows: Vec<Row> = (0..count).map(row).collect();
    let call = || -> wasmtime::Result<usize> {
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX)?;
        store.set_hostcall_fuel(1 << 30);
        store.set_epoch_deadline(1 << 40);
        let instance = ready.instantiate(&mut store)?;
        let place = instance.get_typed_func::<(&[Row],), (Vec<u16>,)>(&mut store, place)?;
        let (codes,) = place.call(&mut store, (rows.as_slice(),))?;
        Ok(codes.len())
    };
    let mut best = f64::INFINITY;
    for _ in 0..CALLS {
        let started = ThreadTime::now();
        let answered = call()?;
        best = best.min(started.elapsed().as_secs_f64() * 1e6);
        assert_eq!(answered, rows.len());
    }
    Ok(best)
}

/// A class with a name of 31 bytes and four labels, as reference figures have it.
fn row(n: u32) -> Row {
    let label = |key: &str, value: String| (key.to_owned(), value);
    let labels = vec![
        label("app.kubernetes.io/name", format!("app-{n}")),
        label("app.kubernetes.io/part-of", format!("product-{}", n % 23)),
        label("team", format!("team-{}", n % 17)),
        label("tier", "front".to_owned()),
    ];
    (
        format!("Deployment team-{:03}/app-{n:010}", n % 17),
        100 + n % 40 * 50,
        128 + n % 64 * 64,
        n % 5,
        labels,
    )
}
