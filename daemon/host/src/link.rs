//! The functions that a policy may call: `plimsoll:policy/view` and `plimsoll:policy/host`, and nothing else.
//!
//! Names and shapes are those of sdk/wit; a test links a component that imports every function of it. What a call
//! costs in fuel is settled here, so that a guest cannot make the host work for nothing.

use crate::columns::{Amount, Extended, Key, Keyed, Number, Signed, Table, Text};
use crate::session::{Broken, Session};
use model::advice::State;
use std::sync::Arc;
use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};
use wasmtime::{Engine, Result, StoreContextMut, Trap};

/// Stands for the `view` resource; there is one for each evaluation, number 0.
pub(crate) struct ViewRep;

/// Versions of the package that guests may have been built against, the first of each line. All are given the same
/// functions, which only ever grow: an older line has those of the newer ones, too, and no guest of it knows them.
const LINES: [&str; 2] = ["0.1.0", "0.2.0"];
/// Fuel of any call.
const CALL: u64 = 100;
/// Longest key or text that a guest may hand over where the host keeps it, bytes.
const KEY_BYTES: usize = 512;
/// Syms of one call of `resolve`: a guest cannot break off a call of the host, so none may take long.
const SYMS: usize = 1 << 18;

type This = Resource<ViewRep>;
type Context<'a> = StoreContextMut<'a, Session>;

/// A linker with the contract and nothing else.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Session>> {
    let mut linker = Linker::new(engine);
    for line in LINES {
        said(&mut linker.instance(&format!("plimsoll:policy/host@{line}"))?)?;
        let mut view = linker.instance(&format!("plimsoll:policy/view@{line}"))?;
        view.resource("view", ResourceType::host::<ViewRep>(), |_, _| Ok(()))?;
        scalars(&mut view)?;
        dictionary(&mut view)?;
        fixed_columns(&mut view)?;
        keyed_columns(&mut view)?;
    }
    Ok(linker)
}

/// `plimsoll:policy/host`.
fn said(host: &mut LinkerInstance<'_, Session>) -> Result<()> {
    host.func_wrap("log", |mut ctx: Context<'_>, (level, message): (u32, String)| {
        called(&mut ctx)?;
        charge(&mut ctx, message.len())?;
        ctx.data_mut().said.log(level, &message);
        Ok(())
    })?;
    host.func_wrap(
        "explain",
        |mut ctx: Context<'_>, (row, code, text): (u32, u16, String)| {
            called(&mut ctx)?;
            charge(&mut ctx, text.len())?;
            ctx.data_mut().said.explain(row, code, &text);
            Ok(())
        },
    )?;
    host.func_wrap("keep", |mut ctx: Context<'_>, (state,): (Vec<u8>,)| {
        called(&mut ctx)?;
        charge(&mut ctx, state.len())?;
        if state.len() > State::MOST {
            return Err(broken(Broken::Limit("bytes of state")));
        }
        ctx.data_mut().kept = Some(State(state));
        Ok(())
    })
}

fn scalars(view: &mut LinkerInstance<'_, Session>) -> Result<()> {
    method(view, "now-ms", |ctx, (_,): (This,)| {
        Ok((ctx.data().columns.now_ms,))
    })?;
    method(view, "seed", |ctx, (_,): (This,)| Ok((ctx.data().columns.seed,)))?;
    method(view, "cluster", |mut ctx, (_,): (This,)| {
        Ok((ctx.data_mut().cluster(),))
    })?;
    method(view, "state", |mut ctx, (_,): (This,)| {
        let state = Arc::clone(&ctx.data().state);
        charge(&mut ctx, state.len())?;
        Ok((state,))
    })?;
    for (name, table) in Table::ALL {
        method(view, name, move |ctx, (_,): (This,)| {
            Ok((ctx.data().columns.rows[*table as usize],))
        })?;
    }
    Ok(())
}

fn dictionary(view: &mut LinkerInstance<'_, Session>) -> Result<()> {
    method(view, "resolve", |mut ctx, (_, syms): (This, Vec<u32>)| {
        charge(&mut ctx, syms.len())?;
        if syms.len() > SYMS {
            return Err(broken(Broken::Limit("syms in one call")));
        }
        let texts: Vec<Arc<str>> = syms.iter().map(|sym| ctx.data().resolve(*sym)).collect();
        charge(&mut ctx, texts.iter().map(|text| text.len()).sum())?;
        Ok((texts,))
    })?;
    method(view, "intern", |mut ctx, (_, text): (This, String)| {
        charge(&mut ctx, text.len())?;
        let sym = ctx.data_mut().intern(&text).map_err(broken)?;
        Ok((sym,))
    })
}

fn fixed_columns(view: &mut LinkerInstance<'_, Session>) -> Result<()> {
    for (name, which) in Number::ALL {
        method(view, name, move |mut ctx, (_, start, count): (This, u32, u32)| {
            let rows = ctx.data_mut().numbers(&Key::Number(*which)).map_err(broken)?;
            paid(&mut ctx, &rows, start, count)
        })?;
    }
    for (name, which) in Amount::ALL {
        method(view, name, move |mut ctx, (_, start, count): (This, u32, u32)| {
            let rows = ctx.data_mut().amounts(&Key::Amount(*which)).map_err(broken)?;
            paid(&mut ctx, &rows, start, count)
        })?;
    }
    for (name, which) in Text::ALL {
        method(view, name, move |mut ctx, (_, start, count): (This, u32, u32)| {
            let rows = ctx.data_mut().texts(Key::Text(*which)).map_err(broken)?;
            paid(&mut ctx, &rows, start, count)
        })?;
    }
    for (name, which) in Signed::ALL {
        method(view, name, move |mut ctx, (_, start, count): (This, u32, u32)| {
            let rows = ctx.data_mut().signed(&Key::Signed(*which)).map_err(broken)?;
            paid(&mut ctx, &rows, start, count)
        })?;
    }
    Ok(())
}

fn keyed_columns(view: &mut LinkerInstance<'_, Session>) -> Result<()> {
    for (name, which) in Keyed::ALL {
        method(
            view,
            name,
            move |mut ctx, (_, key, start, count): (This, String, u32, u32)| {
                let key = Key::Keyed(*which, short(key)?);
                let rows = ctx.data_mut().texts(key).map_err(broken)?;
                paid(&mut ctx, &rows, start, count)
            },
        )?;
    }
    for (name, which) in Extended::ALL {
        method(
            view,
            name,
            move |mut ctx, (_, resource, start, count): (This, String, u32, u32)| {
                let key = Key::Extended(*which, short(resource)?);
                let rows = ctx.data_mut().numbers(&key).map_err(broken)?;
                paid(&mut ctx, &rows, start, count)
            },
        )?;
    }
    Ok(())
}

/// A function of the View; every call of one is paid for, however little it does.
fn method<Params, Return>(
    view: &mut LinkerInstance<'_, Session>,
    name: &str,
    function: impl Fn(Context<'_>, Params) -> Result<Return> + Send + Sync + 'static,
) -> Result<()>
where
    Params: ComponentNamedList + Lift + 'static,
    Return: ComponentNamedList + Lower + 'static,
{
    view.func_wrap(
        &format!("[method]view.{name}"),
        move |mut ctx: Context<'_>, params: Params| {
            called(&mut ctx)?;
            function(ctx, params)
        },
    )
}

/// The chosen rows, paid for. The whole column, the usual case, is shared and not copied.
fn paid<T: Clone>(ctx: &mut Context<'_>, rows: &Arc<[T]>, start: u32, count: u32) -> Result<(Arc<[T]>,)> {
    let start = rows.len().min(start as usize);
    let end = rows.len().min(start.saturating_add(count as usize));
    charge(ctx, end - start)?;
    if end - start == rows.len() {
        return Ok((Arc::clone(rows),));
    }
    Ok((rows.get(start..end).unwrap_or_default().into(),))
}

/// Takes fuel for a call.
fn called(ctx: &mut Context<'_>) -> Result<()> {
    spend(ctx, CALL)
}

/// Takes fuel for so many rows or bytes.
fn charge(ctx: &mut Context<'_>, units: usize) -> Result<()> {
    spend(ctx, u64::try_from(units).unwrap_or(u64::MAX))
}

fn spend(ctx: &mut Context<'_>, cost: u64) -> Result<()> {
    if let Some(left) = ctx.get_fuel()?.checked_sub(cost) {
        return ctx.set_fuel(left);
    }
    ctx.set_fuel(0)?;
    Err(Trap::OutOfFuel.into())
}

fn short(key: String) -> Result<Box<str>> {
    if key.len() > KEY_BYTES {
        return Err(broken(Broken::Limit("text in a column's key")));
    }
    Ok(key.into_boxed_str())
}

fn broken(why: Broken) -> wasmtime::Error {
    wasmtime::Error::new(why)
}
