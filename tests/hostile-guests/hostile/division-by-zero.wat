;; Divides by nothing.
;; expect: run Trap divide
;; body
(i32.div_u (i32.const 1) (i32.const 0))
