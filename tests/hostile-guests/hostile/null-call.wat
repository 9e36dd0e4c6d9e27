;; Calls an empty place of a table.
;; expect: run Trap
;; declarations
(table 8 funcref)
;; body
(call_indirect (result i32) (i32.const 3))
