;; Never ends.
;; expect: run Fuel
;; body
(loop $for-ever (br $for-ever)) (i32.const 1024)
