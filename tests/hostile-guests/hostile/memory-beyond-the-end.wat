;; Reads where there is no memory.
;; expect: run Trap out of bounds
;; body
(i32.load (i32.const -8))
