;; Never ends while it is instantiated.
;; expect: load Config Fuel
;; declarations
(func $begin (loop $for-ever (br $for-ever)))
(start $begin)
