;; Wants wasi:random/random.
;; expect: load Import wasi:random/random@0.2.0
(component (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func)))))
