;; Writes where an address wraps around.
;; expect: run Trap out of bounds
;; body
(i32.store offset=4294967292 (i32.const 64) (i32.const 1)) (i32.const 1024)
