;; Never ends while the host hands over the configuration.
;; expect: load Config Fuel
;; realloc
(loop $for-ever (br $for-ever)) (i32.const 0)
