message(FATAL_ERROR "isochron includes a module of the project around it")
