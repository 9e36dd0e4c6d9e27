;; Calls itself through a table for ever.
;; expect: run Trap stack
;; declarations
(type $f (func (param i32) (result i32)))
(table funcref (elem $down))
(func $down (type $f) (i32.add (call_indirect (type $f) (local.get 0) (i32.const 0)) (i32.const 1)))
;; body
(call $down (i32.const 0))
