;; Objects of the collector.
;; expect: load
;; declarations
(type $s (struct (field i32)))
(func (drop (struct.new $s (i32.const 1))))
