;; Calls a function by another shape than it has.
;; expect: run Trap type
;; declarations
(table funcref (elem $f))
(func $f (param i64))
;; body
(call_indirect (result i32) (i32.const 0))
