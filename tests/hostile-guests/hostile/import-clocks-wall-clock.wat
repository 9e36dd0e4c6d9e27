;; Wants wasi:clocks/wall-clock.
;; expect: load Import wasi:clocks/wall-clock@0.2.0
(component (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func)))))
