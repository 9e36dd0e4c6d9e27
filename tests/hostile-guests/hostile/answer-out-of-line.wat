;; An answer at an odd address.
;; expect: run Trap
;; body
(call $drop (local.get 0)) (i32.const 1025)
