jitwg_test(config_test SOURCES config_test.cc config_values_test.cc DEPS jitwg_config)
