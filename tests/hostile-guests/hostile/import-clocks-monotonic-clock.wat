;; Wants wasi:clocks/monotonic-clock.
;; expect: load Import wasi:clocks/monotonic-clock@0.2.0
(component (import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func)))))
