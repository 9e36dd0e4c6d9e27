#!/bin/sh
# Cargo's wrapper of the compiler for crates of this workspace: has libFuzzer see which branches of ours an input takes.
# What others wrote stays as it is, so that nothing of it is compiled anew; what runs while building has no libFuzzer.
case " $* " in
*" --crate-name build_script_"* | *" --crate-type proc-macro "*) exec "$@" ;;
esac
exec "$@" --cfg fuzzing \
    -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Aunexpected_cfgs
