;; Wants wasi:cli/environment.
;; expect: load Import wasi:cli/environment@0.2.0
(component (import "wasi:cli/environment@0.2.0" (instance (export "get-environment" (func)))))
