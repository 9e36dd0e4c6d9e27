;; wasi_snapshot_preview1 for a policy in Go, which has no system under it: the adapter that turns the core module of
;; `GOOS=wasip1 go build -buildmode=c-shared` into a component that imports nothing but the contract.
;;
;; The Go runtime imports these functions whether a policy uses them or not. The clock stands still, random bytes are
;; all alike, what is printed goes nowhere, there are no files and no arguments. Nothing here calls out: the functions
;; run while the host is inside cabi_realloc, where a component must not call imports. Errno 8 is EBADF, 52 ENOSYS.
;;
;; The environment is for the collector: `GOGC=off` and `GOMEMLIMIT=48MiB`, so that it only works where the 64 MiB of an
;; instance would not do. An instance is gone after one evaluation; collecting in it costs half the fuel of a large one.
(module
  (import "env" "memory" (memory 0))
  (func (export "sched_yield") (result i32) i32.const 0)
  (func (export "proc_exit") (param i32) unreachable)
  (func (export "args_get") (param i32 i32) (result i32) i32.const 0)
  (func (export "args_sizes_get") (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.const 0)) (i32.store (local.get 1) (i32.const 0)) i32.const 0)
  ;; two variables at once: "GOGC=off" is at 0, "GOMEMLIMIT=48MiB" at 9, each with a zero behind it
  (func (export "environ_get") (param $pointers i32) (param $text i32) (result i32)
    (i32.store (local.get $pointers) (local.get $text))
    (i32.store offset=4 (local.get $pointers) (i32.add (local.get $text) (i32.const 9)))
    (i64.store (local.get $text) (i64.const 0x66666F3D43474F47))           ;; GOGC=off
    (i64.store offset=8 (local.get $text) (i64.const 0x494C4D454D4F4700))  ;; 0, GOMEMLI
    (i64.store offset=16 (local.get $text) (i64.const 0x694D38343D54494D)) ;; MIT=48Mi
    (i32.store16 offset=24 (local.get $text) (i32.const 0x0042)) ;; B, 0
    i32.const 0)
  (func (export "environ_sizes_get") (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.const 2)) (i32.store (local.get 1) (i32.const 26)) i32.const 0)
  ;; constant clock: 1 s after the epoch, in nanoseconds
  (func (export "clock_time_get") (param i32 i64 i32) (result i32)
    (i64.store (local.get 2) (i64.const 1000000000)) i32.const 0)
  (func (export "clock_res_get") (param i32 i32) (result i32)
    (i64.store (local.get 1) (i64.const 1)) i32.const 0)
  ;; deterministic "random"
  (func (export "random_get") (param $p i32) (param $n i32) (result i32)
    (memory.fill (local.get $p) (i32.const 42) (local.get $n)) i32.const 0)
  ;; swallow output, report all bytes written
  (func (export "fd_write") (param $fd i32) (param $iov i32) (param $n i32) (param $out i32) (result i32)
    (local $s i32)
    (block $d (loop $l
      (br_if $d (i32.eqz (local.get $n)))
      (local.set $s (i32.add (local.get $s) (i32.load offset=4 (local.get $iov))))
      (local.set $iov (i32.add (local.get $iov) (i32.const 8)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $l)))
    (i32.store (local.get $out) (local.get $s)) i32.const 0)
  ;; no files, no sockets: whatever Go's standard library may import, and no more
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "fd_close") (param i32) (result i32) i32.const 8)
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) i32.const 8)
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) i32.const 8)
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) i32.const 8)
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) i32.const 8)
  (func (export "fd_filestat_get") (param i32 i32) (result i32) i32.const 8)
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) i32.const 8)
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) i32.const 8)
  (func (export "fd_prestat_get") (param i32 i32) (result i32) i32.const 8)
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) i32.const 8)
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) i32.const 8)
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) i32.const 8)
  (func (export "fd_sync") (param i32) (result i32) i32.const 8)
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) i32.const 8)
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) i32.const 8)
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) i32.const 8)
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) i32.const 8)
  (func (export "sock_accept") (param i32 i32 i32) (result i32) i32.const 8)
  (func (export "sock_shutdown") (param i32 i32) (result i32) i32.const 8)
  (func (export "poll_oneoff") (param i32 i32 i32 i32) (result i32) i32.const 52)
)
