;; Never ends while it reads its configuration.
;; expect: load Config Fuel
;; configure
(loop $for-ever (br $for-ever)) (i32.const 1024)
