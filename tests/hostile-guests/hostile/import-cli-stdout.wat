;; Wants wasi:cli/stdout.
;; expect: load Import wasi:cli/stdout@0.2.0
(component (import "wasi:cli/stdout@0.2.0" (instance (export "write" (func)))))
